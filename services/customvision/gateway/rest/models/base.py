"""How JSON names fields: camelCase."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

# A time as ISO 8601 in UTC.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class ApiModel(BaseModel):
    """A model of the API. Fields that are not set are left out of answers; fields that are unknown are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _in_any_case(cls, content: Any) -> Any:
        """Takes names in any case, as the API does: Microsoft's own pages write {"Url": …}."""
        known = cls.model_fields
        if not isinstance(content, dict) or content.keys() <= known.keys():
            return content
        names = {to_camel(name).lower(): to_camel(name) for name in known}
        return {names.get(name.lower(), name) if isinstance(name, str) else name: it for name, it in content.items()}


class CustomVisionError(ApiModel):
    """What every error answers."""

    code: str
    message: str
