"""The steps of the database that concern stored predictions and suggestions. None that was released is changed."""

import json

from customvision.common.database import Connection
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag_probability import uncertainty_of


def add_what_predictions_are_found_by(connection: Connection) -> None:
    """Application, uncertainty, domain and tags of stored predictions, in indexes that answer whole lists."""
    connection.conn.create_function("uncertainty_of", 2, _uncertainty, deterministic=True)
    for statement in _FOUND_BY.split(";;"):
        connection.execute(statement)


def create_suggestions(connection: Connection) -> None:
    """What iterations answer to untagged images."""
    for statement in _SUGGESTIONS.split(";;"):
        connection.execute(statement)


def _uncertainty(predictions: str, classification_type: str) -> float:
    return uncertainty_of([entry[2] for entry in json.loads(predictions)], ClassificationType(classification_type))


# Whatever a list is filtered by, it walks one of the first two indexes and reads only the rows that it shows.
_FOUND_BY = """
ALTER TABLE stored_predictions ADD COLUMN application TEXT NOT NULL DEFAULT '';;
ALTER TABLE stored_predictions ADD COLUMN uncertainty REAL NOT NULL DEFAULT 0;;
ALTER TABLE stored_predictions ADD COLUMN domain_id TEXT NOT NULL DEFAULT '';;
UPDATE stored_predictions SET uncertainty = uncertainty_of(predictions, model.classification_type),
    domain_id = model.domain_id
    FROM (
        SELECT p.sequence, coalesce(i.classification_type, j.classification_type) AS classification_type,
            coalesce(i.domain_id, j.domain_id) AS domain_id
        FROM stored_predictions p JOIN projects j ON j.project_id = p.project_id
        LEFT JOIN iterations i ON i.iteration_id = p.iteration_id AND i.project_id = p.project_id
    ) AS model
    WHERE model.sequence = stored_predictions.sequence;;
CREATE TABLE prediction_tags (
    prediction INTEGER NOT NULL REFERENCES stored_predictions (sequence) ON DELETE CASCADE,
    tag_id TEXT NOT NULL,
    probability REAL NOT NULL,
    PRIMARY KEY (prediction, tag_id)
) STRICT, WITHOUT ROWID;;
INSERT OR IGNORE INTO prediction_tags (prediction, tag_id, probability)
    SELECT p.sequence, json_extract(entry.value, '$[0]'), json_extract(entry.value, '$[2]')
    FROM stored_predictions p, json_each(p.predictions) entry ORDER BY p.sequence, entry.key;;
CREATE INDEX predictions_in_order
    ON stored_predictions (project_id, sequence, create_time, iteration_id, application);;
CREATE INDEX predictions_by_uncertainty
    ON stored_predictions (project_id, uncertainty, sequence, create_time, iteration_id, application);;
CREATE INDEX predictions_by_age ON stored_predictions (create_time);;
DROP INDEX predictions_of_project;;
DROP INDEX predictions_of_iteration
"""

# Each tag has its suggestions in order of uncertainty, so that a list of some tags is a short walk for each.
_SUGGESTIONS = """
CREATE TABLE suggestions (
    iteration INTEGER NOT NULL REFERENCES iterations (sequence) ON DELETE CASCADE,
    image INTEGER NOT NULL REFERENCES images (sequence) ON DELETE CASCADE,
    predictions TEXT NOT NULL,
    uncertainty REAL NOT NULL,
    likeliest REAL NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (iteration, image)
) STRICT;;
CREATE INDEX suggestions_by_uncertainty ON suggestions (iteration, uncertainty, image, likeliest);;
CREATE INDEX suggestions_of_image ON suggestions (image);;
CREATE INDEX suggestions_by_age ON suggestions (create_time);;
CREATE TABLE suggested_tags (
    iteration INTEGER NOT NULL,
    tag_id TEXT NOT NULL,
    uncertainty REAL NOT NULL,
    image INTEGER NOT NULL,
    probability REAL NOT NULL,
    PRIMARY KEY (iteration, tag_id, uncertainty, image),
    FOREIGN KEY (iteration, image) REFERENCES suggestions (iteration, image) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;;
CREATE INDEX tags_of_suggestion ON suggested_tags (iteration, image);;
CREATE TRIGGER suggestions_are_for_untagged_images AFTER UPDATE OF tagged, current ON images
WHEN NEW.tagged = 1 OR NEW.current = 0 BEGIN
    DELETE FROM suggestions WHERE image = NEW.sequence;
END
"""
