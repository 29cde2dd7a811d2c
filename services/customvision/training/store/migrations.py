"""The steps that bring a training database up to date, oldest first. A step that was released never changes."""

from customvision.common.database import Connection


def create_runs_and_events(connection: Connection) -> None:
    """Runs in order of arrival, and what happened in each."""
    connection.conn.execute(
        """
        CREATE TABLE runs (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            training_run_id TEXT NOT NULL UNIQUE,
            request_id TEXT UNIQUE,
            project_id TEXT NOT NULL,
            iteration_id TEXT NOT NULL,
            iteration_name TEXT NOT NULL,
            training_type TEXT NOT NULL,
            force INTEGER NOT NULL,
            state TEXT NOT NULL,
            phase TEXT NOT NULL,
            create_time TEXT NOT NULL,
            start_time TEXT,
            end_time TEXT,
            failure_reason TEXT NOT NULL,
            last_sequence INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            kills INTEGER NOT NULL,
            cancel_requested INTEGER NOT NULL,
            outcome_reported INTEGER NOT NULL
        )
        """
    )
    connection.conn.execute("CREATE INDEX runs_by_project ON runs (project_id, position)")
    connection.conn.execute("CREATE INDEX runs_by_iteration ON runs (iteration_id)")
    connection.conn.execute("CREATE INDEX runs_by_state ON runs (state, position)")
    connection.conn.execute("CREATE INDEX runs_to_report ON runs (position) WHERE outcome_reported = 0")
    connection.conn.execute(
        """
        CREATE TABLE events (
            training_run_id TEXT NOT NULL REFERENCES runs (training_run_id) ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            event_time TEXT NOT NULL,
            state TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (training_run_id, sequence)
        ) WITHOUT ROWID
        """
    )


def add_what_advanced_runs_are_asked_for(connection: Connection) -> None:
    """Budget, selected tags and base of a run, and the seconds that its processes have used."""
    for column in (
        "budget_seconds REAL",
        "selected_tag_ids TEXT NOT NULL DEFAULT '[]'",
        "base_iteration_id TEXT NOT NULL DEFAULT ''",
        "used_seconds REAL NOT NULL DEFAULT 0",
    ):
        connection.conn.execute(f"ALTER TABLE runs ADD COLUMN {column}")


def add_how_far_arrivals_were_embedded(connection: Connection) -> None:
    """The sequence of the last image that was embedded when it arrived, in a row of its own."""
    connection.conn.execute(
        "CREATE TABLE arrival_position (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), sequence INTEGER NOT NULL)"
    )
    connection.conn.execute("INSERT INTO arrival_position VALUES (1, 0)")


def add_kept_exports(connection: Connection) -> None:
    """Exports in the order in which they were asked for, one per iteration and format."""
    connection.conn.execute(
        """
        CREATE TABLE exports (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            project_id TEXT NOT NULL,
            iteration_id TEXT NOT NULL,
            format TEXT NOT NULL,
            file_name TEXT NOT NULL,
            create_time TEXT NOT NULL,
            asked_time TEXT NOT NULL,
            state TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 0,
            failure_reason TEXT NOT NULL DEFAULT '',
            stored_name TEXT NOT NULL DEFAULT '',
            size_bytes INTEGER NOT NULL DEFAULT 0,
            UNIQUE (project_id, iteration_id, format)
        )
        """
    )


def add_bases_of_other_projects(connection: Connection) -> None:
    """The project of the iteration that a run begins with; empty where it is the run's own."""
    connection.conn.execute("ALTER TABLE runs ADD COLUMN base_project_id TEXT NOT NULL DEFAULT ''")


MIGRATIONS = (
    create_runs_and_events,
    add_what_advanced_runs_are_asked_for,
    add_how_far_arrivals_were_embedded,
    add_kept_exports,
    add_bases_of_other_projects,
)
