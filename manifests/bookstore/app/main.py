"""The bookstore: a small web shop window over PostgreSQL, configured only by its environment.

DB_URL      host:port/database of PostgreSQL           (ConfigMap)
APP_URL     the address people type, shown on the page (ConfigMap)
APP_TITLE   the shop's name                            (ConfigMap)
DB_USERNAME, DB_PASSWORD                               (Secret)
POD_NAME, POD_IP                                       (the Pod's own fields)

GET /            the page         GET /api/books   all books as JSON
GET /api/whoami  who answered     POST /api/books  {"title": …, "author": …} adds one
GET /healthz     is the process up?  GET /readyz   can it reach its database?
"""

import html
import json
import os
import signal
import socket
import threading
import urllib.parse
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import psycopg2.pool

PORT = 8080
MAX_BODY = 64 * 1024
SCHEMA = """
CREATE TABLE IF NOT EXISTS books (
    id SERIAL PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL,
    added TIMESTAMPTZ NOT NULL DEFAULT now()
)"""
FIRST_BOOKS = [
    ("A Wizard of Earthsea", "Ursula K. Le Guin"),
    ("The Left Hand of Darkness", "Ursula K. Le Guin"),
    ("Invisible Cities", "Italo Calvino"),
]


class Shelf:
    """The books, in PostgreSQL. A connection the database closed is thrown away and the query
    tried once more.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        address, _, database = url.partition("/")
        host, _, port = address.partition(":")
        self._settings = {
            "host": host,
            "port": int(port or 5432),
            "dbname": database or "bookstore",
            "user": username,
            "password": password,
            "connect_timeout": 2,
        }
        self._idle: list = []
        self._lock = threading.Lock()

    @contextmanager
    def _cursor(self, *, fresh: bool):
        connection = None
        with self._lock:
            if self._idle and not fresh:
                connection = self._idle.pop()
        connection = connection or psycopg2.connect(**self._settings)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def _run(self, query: str, values: tuple = ()) -> list[tuple]:
        for fresh in (False, True):
            try:
                with self._cursor(fresh=fresh) as cursor:
                    cursor.execute(query, values)
                    return cursor.fetchall() if cursor.description else []
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                if fresh:
                    raise
        return []

    def prepare(self) -> None:
        with self._cursor(fresh=True) as cursor:
            # Replicas start together: only one may create and fill the table.
            cursor.execute("SELECT pg_advisory_xact_lock(4711)")
            cursor.execute(SCHEMA)
            cursor.execute("SELECT count(*) FROM books")
            if cursor.fetchone()[0] == 0:
                cursor.executemany("INSERT INTO books (title, author) VALUES (%s, %s)", FIRST_BOOKS)

    def books(self) -> list[dict]:
        rows = self._run("SELECT id, title, author FROM books ORDER BY id")
        return [{"id": row[0], "title": row[1], "author": row[2]} for row in rows]

    def add(self, title: str, author: str) -> dict:
        rows = self._run(
            "INSERT INTO books (title, author) VALUES (%s, %s) RETURNING id", (title, author)
        )
        return {"id": rows[0][0], "title": title, "author": author}


class Readiness:
    """Whether the table is there; the first readiness probe that reaches the database makes it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._prepared = False
        self._lock = threading.Lock()

    def check(self) -> None:
        with self._lock:
            if not self._prepared:
                self._shelf.prepare()
                self._prepared = True
        self._shelf.books()


class InFlight:
    """Counts requests being answered, so that a stop loses none of them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()
        self.stopping = False

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        self.stopping = True

    def wait_until_none(self, *, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, timeout=seconds)


def whoami() -> dict:
    return {
        "pod": os.environ.get("POD_NAME") or socket.gethostname(),
        "ip": os.environ.get("POD_IP", ""),
        "title": os.environ.get("APP_TITLE", "Bookstore"),
        "url": os.environ.get("APP_URL", ""),
        "database": os.environ.get("DB_URL", ""),
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelf: Shelf
    readiness: Readiness
    in_flight = InFlight()

    def do_GET(self) -> None:
        pages = {
            "/": self._page,
            "/api/books": lambda: self._json(HTTPStatus.OK, {"items": self.shelf.books()}),
            "/api/whoami": lambda: self._json(HTTPStatus.OK, whoami()),
            "/healthz": lambda: self._json(HTTPStatus.OK, {"status": "ok"}),
            "/readyz": self._ready,
        }
        self._answer(pages)

    def do_POST(self) -> None:
        self._answer({"/api/books": self._add, "/books": self._add_from_form})

    def _answer(self, pages: dict) -> None:
        path = urllib.parse.urlsplit(self.path).path
        page = pages.get(path)
        if page is None:
            self._json(HTTPStatus.NOT_FOUND, {"error": f"no page {path}"})
            return
        with self.in_flight:
            try:
                page()
            except psycopg2.Error as error:
                self._json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": f"database: {error}".strip()})

    def _ready(self) -> None:
        self.readiness.check()
        self._json(HTTPStatus.OK, {"status": "ready"})

    def _body(self) -> bytes | None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self._json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": f"at most {MAX_BODY} bytes"})
            return None
        return self.rfile.read(length)

    def _add(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            book = json.loads(body)
            title, author = str(book["title"]).strip(), str(book["author"]).strip()
        except (ValueError, KeyError, TypeError):
            title = author = ""
        if not title or not author:
            self._json(HTTPStatus.BAD_REQUEST, {"error": 'send {"title": "…", "author": "…"}'})
            return
        self._json(HTTPStatus.CREATED, self.shelf.add(title, author))

    def _add_from_form(self) -> None:
        body = self._body()
        if body is None:
            return
        form = urllib.parse.parse_qs(body.decode(errors="replace"))
        title, author = (form.get(field, [""])[0].strip() for field in ("title", "author"))
        if title and author:
            self.shelf.add(title, author)
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self) -> None:
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", page(self.shelf.books()).encode())

    def _json(self, status: HTTPStatus, value: dict) -> None:
        self._send(status, "application/json", json.dumps(value).encode() + b"\n")

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Pod", whoami()["pod"])
        if self.in_flight.stopping:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        if self.path not in ("/healthz", "/readyz"):
            print(f"{self.command} {self.path} {args[1] if len(args) > 1 else ''}", flush=True)


STYLE = """
:root { color-scheme: light dark;
        --ink: #1d2733; --paper: #fbfaf7; --line: #ddd8cc; --accent: #2f6f5e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6df; --paper: #16191d; --line: #353b42; --accent: #7fc7b2 } }
body { font: 17px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       margin: 0 }
main { max-width: 42rem; margin: 3rem auto; padding: 0 1.25rem }
h1 { font: 600 2.2rem/1.2 Georgia, serif; margin: 0 0 .25rem }
.from { color: var(--accent); font-size: .9rem; margin: 0 0 2rem }
ul { list-style: none; padding: 0; border-top: 1px solid var(--line) }
li { padding: .7rem 0; border-bottom: 1px solid var(--line) }
li em { opacity: .75; display: block; font-size: .92rem; font-style: normal }
form { display: flex; gap: .6rem; flex-wrap: wrap }
input { flex: 1 1 12rem; font: inherit; padding: .5rem .7rem; border: 1px solid var(--line);
        border-radius: .4rem; background: transparent; color: inherit }
button { font: inherit; padding: .5rem 1.1rem; border: 0; border-radius: .4rem;
         background: var(--accent); color: var(--paper) }
footer { margin-top: 2.5rem; font-size: .85rem; opacity: .7 }
"""


def page(books: list[dict]) -> str:
    me = whoami()
    rows = "\n".join(
        f"<li>{html.escape(book['title'])}<em>{html.escape(book['author'])}</em></li>"
        for book in books
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(me["title"])}</title><style>{STYLE}</style></head><body><main>
<h1>{html.escape(me["title"])}</h1>
<p class="from">served by Pod <b>{html.escape(me["pod"])}</b> at {html.escape(me["ip"])}</p>
<ul>{rows}</ul>
<form method="post" action="/books">
<input name="title" placeholder="Title" required maxlength="200">
<input name="author" placeholder="Author" required maxlength="200"><button>Add</button></form>
<footer>{html.escape(me["url"])} · database {html.escape(me["database"])}</footer>
</main></body></html>
"""


class Server(ThreadingHTTPServer):
    daemon_threads = True  # an idle keep-alive connection must not hold up a stop
    request_queue_size = 256


def main() -> None:
    Handler.shelf = Shelf(
        os.environ["DB_URL"], os.environ["DB_USERNAME"], os.environ["DB_PASSWORD"]
    )
    Handler.readiness = Readiness(Handler.shelf)
    server = Server(("", PORT), Handler)

    def stop(*_: object) -> None:
        Handler.in_flight.stop()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"bookstore listens on :{PORT} as {whoami()['pod']}", flush=True)
    server.serve_forever(poll_interval=0.1)
    Handler.in_flight.wait_until_none(seconds=10)


if __name__ == "__main__":
    main()
