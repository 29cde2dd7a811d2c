"""How JSON names fields: camelCase."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

# A time as ISO 8601 in UTC.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class ApiModel(BaseModel):
    """A model of the API. Fields that are not set are left out of answers; fields that are unknown are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class CustomVisionError(ApiModel):
    """What every error answers."""

    code: str
    message: str
