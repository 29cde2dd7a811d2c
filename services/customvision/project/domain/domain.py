"""The domains that a project can choose: kinds of backbone, under the ids of Azure Custom Vision where it has them."""

from dataclasses import dataclass

from customvision.common.errors import NotFound
from customvision.project.domain.architecture import V1, V2, V2_NARROW, V2_WIDE, V3_LARGE, V3_SMALL, Architecture
from customvision.project.domain.text import shortened


@dataclass(frozen=True)
class Domain:
    """A kind of backbone; ``compact`` ones are small enough for phones."""

    domain_id: str
    name: str
    description: str
    architecture: Architecture
    compact: bool = False


class DomainNotFound(NotFound):
    """There is no such domain."""

    reason = "DOMAIN_NOT_FOUND"

    def __init__(self, domain_id: str) -> None:
        super().__init__(
            f"There is no domain with id '{shortened(domain_id)}'; ListDomains shows those there are.",
            metadata={"domain_id": domain_id},
        )


DEFAULT_DOMAIN = Domain(
    "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31", "General", "For most projects: accurate and fast on any processor.", V2
)
# The default stands first.
DOMAINS = (
    DEFAULT_DOMAIN,
    Domain(
        "a8e3c40f-fb4a-466f-832a-5e457ae4a344",
        "General [A1]",
        "Better accuracy, slower: a wider network, for classes that look much alike.",
        V2_WIDE,
    ),
    Domain(
        "2e37d7fb-3a54-486a-b4d6-cfc369af0018",
        "General [A2]",
        "A newer network, quicker than General's; worth a try where General confuses classes.",
        V3_LARGE,
    ),
    Domain("c151d5b5-dd07-472a-acc8-15d29dea8518", "Food", "As General; kept for projects that name it.", V2),
    Domain("ca455789-012d-4b50-9fec-5bb63841c793", "Landmarks", "As General; kept for projects that name it.", V2),
    Domain("b30a91ae-e3c1-4f73-a81e-c270bff27c39", "Retail", "As General; kept for projects that name it.", V2),
    Domain("45badf75-3591-4f26-a705-45678d3e9f5f", "Adult", "As General; kept for projects that name it.", V2),
    Domain(
        "0732100f-1a38-4e49-a514-c9b44c697ab5",
        "General (compact)",
        "For phones and small boards: the lightest download, less accurate.",
        V2_NARROW,
        compact=True,
    ),
    Domain(
        "a1db07ca-a19a-4830-bae8-e004a42dc863",
        "General (compact) [S1]",
        "For phones that can carry more: General's network, to be exported.",
        V2,
        compact=True,
    ),
    Domain(
        "8882951b-82cd-4c32-970b-d5f8cb8bf6d7",
        "Food (compact)",
        "As General (compact); kept for projects that name it.",
        V2_NARROW,
        compact=True,
    ),
    Domain(
        "b5cfd229-2ac7-4b2b-8d0a-2b0661344894",
        "Landmarks (compact)",
        "As General (compact); kept for projects that name it.",
        V2_NARROW,
        compact=True,
    ),
    Domain(
        "6b4faeda-8396-481b-9f8b-177b9fa3097f",
        "Retail (compact)",
        "As General (compact); kept for projects that name it.",
        V2_NARROW,
        compact=True,
    ),
    Domain(
        "5b1f7c52-6a0e-4d8b-9c3e-2f4a7d90e611",
        "Small (compact)",
        "About as quick as General (compact), of a newer family; worth a try beside it.",
        V3_SMALL,
        compact=True,
    ),
    Domain(
        "9d3c2b64-71f8-4e0a-8b57-c6e1a04f32d8",
        "MobileNet (V1)",
        "The first MobileNet, for those who compare with it or have weights of it.",
        V1,
    ),
)
_BY_ID = {domain.domain_id: domain for domain in DOMAINS}


def require_domain(domain_id: str) -> Domain:
    """Returns the domain with this id, in either case. Raises DomainNotFound."""
    domain = _BY_ID.get(domain_id.lower())
    if domain is None:
        raise DomainNotFound(domain_id)
    return domain
