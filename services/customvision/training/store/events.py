"""The events of a run, as they were recorded."""

import json
from datetime import datetime

from customvision.common.database import Connection, Database
from customvision.training.runs.event import Event, detail_from_record
from customvision.training.runs.run import RunState

MAX_EVENTS = 500


class EventStore:
    """Reads events; RunStore.record writes them, together with the change that they tell."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, training_run_id: str, sequence: int) -> list[Event]:
        """Returns the next events of the run after ``sequence``, in order, at most 500."""

        def work(connection: Connection) -> list[Event]:
            rows = connection.conn.execute(
                "SELECT sequence, event_time, state, detail FROM events "
                "WHERE training_run_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                (training_run_id, sequence, MAX_EVENTS),
            )
            return [
                Event(
                    training_run_id=training_run_id,
                    sequence=number,
                    event_time=datetime.fromisoformat(time),
                    state=RunState(state),
                    detail=detail_from_record(json.loads(detail)),
                )
                for number, time, state, detail in rows
            ]

        return await self._database.read(work)
