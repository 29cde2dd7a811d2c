"""How the database came to be, step by step. A step that was released is never changed; add another."""

from customvision.common.database import Connection
from customvision.project.store.prediction_migrations import add_what_predictions_are_found_by, create_suggestions

__all__ = ["MIGRATIONS"]


def _run(connection: Connection, statements: str) -> None:
    # executescript would commit the migration's transaction.
    for statement in statements.split(";;"):
        if statement.strip():
            connection.execute(statement)


def create_projects_images_iterations(connection: Connection) -> None:
    """Projects, tags, images, iterations, artifacts, and what changed about published models."""
    _run(connection, _PROJECTS)
    _run(connection, _TAGS)
    _run(connection, _IMAGES)
    _run(connection, _ITERATIONS)
    _run(connection, _ARTIFACTS)


def create_stored_predictions(connection: Connection) -> None:
    """Stored predictions, and which images were made of them."""
    _run(connection, _STORED_PREDICTIONS)


def mark_deleted_projects(connection: Connection) -> None:
    """A project that was deleted is gone for everybody before all that it held is erased."""
    _run(connection, _DELETED_PROJECTS)


def add_domains_and_training_requests(connection: Connection) -> None:
    """What a project's models rest on, and what a training was asked for; earlier ones had the default of both."""
    _run(connection, _DOMAINS_AND_TRAINING_REQUESTS)


def add_image_metadata(connection: Connection) -> None:
    """Metadata of images, and since when an image has a tag."""
    _run(connection, _IMAGE_METADATA)


def add_what_projects_and_publications_tell(connection: Connection) -> None:
    """Export platforms, publish targets, times of change, and bases in other projects."""
    _run(connection, _WHAT_PROJECTS_AND_PUBLICATIONS_TELL)


def create_project_imports(connection: Connection) -> None:
    """Copies of projects that are under way, and the secret that signs the tokens of those to come."""
    _run(connection, _PROJECT_IMPORTS)
    connection.execute("INSERT INTO secrets (name, value) VALUES ('project_export', randomblob(32))")


MIGRATIONS = (
    create_projects_images_iterations,
    create_stored_predictions,
    mark_deleted_projects,
    add_domains_and_training_requests,
    add_image_metadata,
    add_what_predictions_are_found_by,
    create_suggestions,
    add_what_projects_and_publications_tell,
    create_project_imports,
)

_PROJECTS = """
CREATE TABLE projects (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    classification_type TEXT NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    iteration_counter INTEGER NOT NULL DEFAULT 0,
    request_id TEXT UNIQUE,
    request_fingerprint TEXT
) STRICT;;
CREATE INDEX projects_by_name ON projects (name, sequence)
"""

_TAGS = """
CREATE TABLE tags (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    tag_id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    create_time TEXT NOT NULL,
    request_id TEXT UNIQUE,
    request_fingerprint TEXT,
    UNIQUE (project_id, name)
) STRICT;;
CREATE INDEX tags_of_project ON tags (project_id, sequence);;
CREATE UNIQUE INDEX negative_tag_of_project ON tags (project_id) WHERE type = 'negative'
"""

# An image that is deleted while an iteration holds it stays, with current = 0 and without tags.
_IMAGES = """
CREATE TABLE images (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    current INTEGER NOT NULL DEFAULT 1,
    tagged INTEGER NOT NULL DEFAULT 0,
    file_name TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    thumbnail_sha256 TEXT NOT NULL,
    create_time TEXT NOT NULL,
    UNIQUE (project_id, source_sha256)
) STRICT;;
CREATE INDEX current_images ON images (project_id, sequence) WHERE current = 1;;
CREATE INDEX current_images_by_tagging ON images (project_id, tagged, sequence) WHERE current = 1;;
CREATE INDEX past_images ON images (project_id) WHERE current = 0;;
CREATE INDEX images_by_content ON images (content_sha256);;
CREATE INDEX images_by_thumbnail ON images (thumbnail_sha256);;
CREATE TABLE image_tags (
    image INTEGER NOT NULL REFERENCES images (sequence) ON DELETE CASCADE,
    tag INTEGER NOT NULL REFERENCES tags (sequence) ON DELETE CASCADE,
    PRIMARY KEY (image, tag)
) STRICT, WITHOUT ROWID;;
CREATE INDEX images_of_tag ON image_tags (tag, image);;
CREATE TRIGGER image_becomes_tagged AFTER INSERT ON image_tags BEGIN
    UPDATE images SET tagged = 1 WHERE sequence = NEW.image AND tagged = 0;
END;;
CREATE TRIGGER image_becomes_untagged AFTER DELETE ON image_tags
WHEN NOT EXISTS (SELECT 1 FROM image_tags WHERE image = OLD.image) BEGIN
    UPDATE images SET tagged = 0 WHERE sequence = OLD.image;
END
"""

# iteration_tags are copies: a frozen data set keeps the names and types that it was trained on.
_ITERATIONS = """
CREATE TABLE iterations (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    iteration_id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    training_type TEXT NOT NULL,
    classification_type TEXT NOT NULL,
    create_time TEXT NOT NULL,
    end_time TEXT,
    image_count INTEGER NOT NULL,
    data_set_fingerprint TEXT NOT NULL,
    publish_name TEXT,
    backbone TEXT,
    metrics TEXT,
    warnings TEXT NOT NULL DEFAULT '[]',
    failure_reason TEXT NOT NULL DEFAULT '',
    model_sha256 TEXT,
    backbone_sha256 TEXT,
    backbone_weights_sha256 TEXT,
    evaluation_sha256 TEXT,
    request_id TEXT UNIQUE,
    request_fingerprint TEXT,
    UNIQUE (project_id, name),
    UNIQUE (project_id, number)
) STRICT;;
CREATE UNIQUE INDEX published_iterations ON iterations (project_id, publish_name) WHERE publish_name IS NOT NULL;;
CREATE TABLE iteration_tags (
    iteration INTEGER NOT NULL REFERENCES iterations (sequence) ON DELETE CASCADE,
    tag INTEGER NOT NULL,
    tag_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    image_count INTEGER NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (iteration, tag)
) STRICT, WITHOUT ROWID;;
CREATE TABLE iteration_images (
    iteration INTEGER NOT NULL REFERENCES iterations (sequence) ON DELETE CASCADE,
    image INTEGER NOT NULL REFERENCES images (sequence) ON DELETE CASCADE,
    tag INTEGER NOT NULL,
    PRIMARY KEY (iteration, image, tag)
) STRICT, WITHOUT ROWID;;
CREATE INDEX iteration_images_of_tag ON iteration_images (iteration, tag, image);;
CREATE INDEX iterations_of_image ON iteration_images (image);;
CREATE TABLE publishing_changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL,
    publish_name TEXT NOT NULL,
    UNIQUE (project_id, publish_name)
) STRICT
"""

_ARTIFACTS = """
CREATE TABLE artifacts (
    sha256 TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    use_time TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""

_STORED_PREDICTIONS = """
CREATE TABLE stored_predictions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    prediction_id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    iteration_id TEXT NOT NULL,
    publish_name TEXT NOT NULL,
    predictions TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    thumbnail_sha256 TEXT NOT NULL,
    create_time TEXT NOT NULL
) STRICT;;
CREATE INDEX predictions_of_project ON stored_predictions (project_id, sequence);;
CREATE INDEX predictions_of_iteration ON stored_predictions (project_id, iteration_id, sequence);;
CREATE INDEX predictions_by_content ON stored_predictions (content_sha256);;
CREATE INDEX predictions_by_thumbnail ON stored_predictions (thumbnail_sha256);;
CREATE TABLE corrected_predictions (
    prediction_id TEXT PRIMARY KEY,
    image INTEGER NOT NULL REFERENCES images (sequence) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;;
CREATE INDEX corrections_of_image ON corrected_predictions (image)
"""

_DELETED_PROJECTS = """
ALTER TABLE projects ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;;
CREATE INDEX deleted_projects ON projects (project_id) WHERE deleted = 1
"""

# The default is the id of the domain General.
_DOMAINS_AND_TRAINING_REQUESTS = """
ALTER TABLE projects ADD COLUMN domain_id TEXT NOT NULL DEFAULT 'ee85a74c-405e-4adc-bb47-ffa8ca0c9f31';;
ALTER TABLE iterations ADD COLUMN domain_id TEXT NOT NULL DEFAULT 'ee85a74c-405e-4adc-bb47-ffa8ca0c9f31';;
ALTER TABLE iterations ADD COLUMN training_budget_seconds REAL;;
ALTER TABLE iterations ADD COLUMN selected_tag_ids TEXT NOT NULL DEFAULT '[]';;
ALTER TABLE iterations ADD COLUMN base_iteration_id TEXT NOT NULL DEFAULT '';;
ALTER TABLE iterations ADD COLUMN requested_backbone_id TEXT NOT NULL DEFAULT '';;
ALTER TABLE iterations ADD COLUMN fine_tuned INTEGER NOT NULL DEFAULT 0
"""

# project is the sequence of the image's project, so that a pair is looked for among that project's images only.
# What was tagged before has no create_time: it counts as tagged when the image was stored.
_IMAGE_METADATA = """
CREATE TABLE image_metadata (
    image INTEGER NOT NULL REFERENCES images (sequence) ON DELETE CASCADE,
    project INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (image, key)
) STRICT, WITHOUT ROWID;;
CREATE INDEX images_by_metadata ON image_metadata (project, key, value, image);;
ALTER TABLE image_tags ADD COLUMN create_time TEXT;;
ALTER TABLE iteration_images ADD COLUMN create_time TEXT
"""

# A base_project_id that is empty is that of the iteration itself.
_WHAT_PROJECTS_AND_PUBLICATIONS_TELL = """
ALTER TABLE projects ADD COLUMN target_export_platforms TEXT NOT NULL DEFAULT '[]';;
ALTER TABLE iterations ADD COLUMN publish_target TEXT NOT NULL DEFAULT '';;
ALTER TABLE iterations ADD COLUMN update_time TEXT NOT NULL DEFAULT '';;
UPDATE iterations SET update_time = coalesce(end_time, create_time);;
ALTER TABLE iterations ADD COLUMN base_project_id TEXT NOT NULL DEFAULT '';;
CREATE INDEX bases_in_training ON iterations (base_iteration_id) WHERE status = 'training'
"""

# The images of the source from copied_image (excluded) to last_image (included) are to be copied yet. imported_tags and
# imported_iterations say, by sequence in the source, what the copy's are called; tag is that of the copy, or, for a tag
# that only frozen data sets know, that of the source.
_PROJECT_IMPORTS = """
ALTER TABLE projects ADD COLUMN status TEXT NOT NULL DEFAULT 'succeeded';;
CREATE TABLE project_imports (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL UNIQUE REFERENCES projects (project_id) ON DELETE CASCADE,
    source_project_id TEXT NOT NULL,
    copied_image INTEGER NOT NULL DEFAULT 0,
    last_image INTEGER NOT NULL
) STRICT;;
CREATE TABLE imported_tags (
    project_id TEXT NOT NULL REFERENCES project_imports (project_id) ON DELETE CASCADE,
    source INTEGER NOT NULL,
    source_tag_id TEXT NOT NULL,
    tag INTEGER NOT NULL,
    tag_id TEXT NOT NULL,
    PRIMARY KEY (project_id, source)
) STRICT, WITHOUT ROWID;;
CREATE TABLE imported_iterations (
    project_id TEXT NOT NULL REFERENCES project_imports (project_id) ON DELETE CASCADE,
    source INTEGER NOT NULL,
    source_iteration_id TEXT NOT NULL,
    iteration_id TEXT NOT NULL,
    copied INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, source)
) STRICT, WITHOUT ROWID;;
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID
"""
