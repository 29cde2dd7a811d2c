"""How far the images that arrived have been embedded."""

from customvision.common.database import Connection, Database


class ArrivalPosition:
    """The sequence of the last image that need not be looked at again; 0 at first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> int:
        """Returns it."""

        def work(connection: Connection) -> int:
            [(sequence,)] = connection.conn.execute("SELECT sequence FROM arrival_position").fetchall()
            return int(sequence)

        return await self._database.read(work)

    async def move(self, sequence: int) -> None:
        """Remembers a later one, durably."""
        await self._database.write(
            lambda connection: connection.conn.execute("UPDATE arrival_position SET sequence = ?", (sequence,))
        )
