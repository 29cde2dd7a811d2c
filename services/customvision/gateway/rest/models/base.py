"""How JSON names fields: camelCase."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A model of the API. Fields that are not set are left out of answers; fields that are unknown are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class CustomVisionError(ApiModel):
    """What every error answers."""

    code: str
    message: str
