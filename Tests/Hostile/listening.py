"""What the backends of this folder have in common: a port of their own, and one conversation for each connection."""

import asyncio


class Listening:
    """Listens on a port that it picks while it is entered; `converse` serves a connection until it returns."""

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        try:
            await self.converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # cut, or the run is over
        finally:
            writer.close()

    async def converse(self, reader, writer):
        raise NotImplementedError
