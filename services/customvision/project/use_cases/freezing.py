"""Freezes a project's data set as a new iteration: what is trained on, and whether it may be."""

from dataclasses import dataclass

from customvision.common.database import Connection
from customvision.project.domain.data_set import check_changed, check_trainable, fingerprint_of, trained_tags
from customvision.project.domain.iteration import Iteration, IterationStatus, check_base
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag import Tag
from customvision.project.domain.text import new_id
from customvision.project.domain.training_request import TrainingRequest
from customvision.project.store import iterations, projects, tags
from customvision.project.store.columns import now
from customvision.project.use_cases.lookups import require_classification_type, require_domain_id, require_iteration


@dataclass(frozen=True)
class Trainable:
    """What a training may have: the tags to train, and the digest that tells whether anything changed since."""

    classification_type: ClassificationType
    domain_id: str
    tags: list[Tag]
    fingerprint: str


def check(
    connection: Connection, project_id: str, request: TrainingRequest, *, backbone_id: str, force: bool
) -> Trainable:
    """Returns what ``request`` trains on now.

    Raises ProjectNotFound, TagNotFound, IterationNotFound, BaseIterationNotUsable, TooFewTags, TooFewImages, and
    NothingChanged unless ``force``.
    """
    classification_type = require_classification_type(connection, project_id)
    domain_id = require_domain_id(connection, project_id)
    trained = trained_tags(tags.all_of(connection, project_id), request.selected_tag_ids)
    check_trainable(trained, selected=bool(request.selected_tag_ids))
    if request.base_iteration_id:
        base_project_id = request.base_project_id or project_id
        check_base(require_iteration(connection, base_project_id, request.base_iteration_id), domain_id)
    fingerprint = fingerprint_of(
        classification_type, domain_id, request, trained, iterations.data_set_pairs(connection, trained)
    )
    if not force:
        check_changed(fingerprint, backbone_id, iterations.find_newest_completed(connection, project_id))
    return Trainable(classification_type, domain_id, trained, fingerprint)


def freeze(
    connection: Connection,
    project_id: str,
    request: TrainingRequest,
    *,
    backbone_id: str,
    force: bool,
    request_id: str | None,
    request_fingerprint: str,
) -> Iteration:
    """Adds an iteration with a copy of what ``request`` trains on, and returns it. Raises what ``check`` raises."""
    trainable = check(connection, project_id, request, backbone_id=backbone_id, force=force)
    number = projects.next_iteration_number(connection, project_id)
    create_time = now()
    iteration = Iteration(
        sequence=0,
        iteration_id=new_id(),
        project_id=project_id,
        name=_free_name(connection, project_id, number),
        number=number,
        status=IterationStatus.TRAINING,
        request=request,
        domain_id=trainable.domain_id,
        classification_type=trainable.classification_type,
        create_time=create_time,
        update_time=create_time,
        end_time=None,
        image_count=0,
        publish_name="",
        data_set_fingerprint=trainable.fingerprint,
        requested_backbone_id=backbone_id,
    )
    iterations.insert_frozen(
        connection, iteration, trainable.tags, request_id=request_id, request_fingerprint=request_fingerprint
    )
    return require_iteration(connection, project_id, iteration.iteration_id)


def _free_name(connection: Connection, project_id: str, number: int) -> str:
    name = f"Iteration {number}"
    copies = 1
    # A user may have given this name to an earlier iteration.
    while iterations.find_named(connection, project_id, name) is not None:
        copies += 1
        name = f"Iteration {number} ({copies})"
    return name
