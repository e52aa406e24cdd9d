-- What was revoked, in one order, and the resource servers that may follow it.

-- Exactly one of a session, the access tokens of a session up to a generation, or a signing key.
CREATE TABLE revocation (
    sequence   INTEGER NOT NULL PRIMARY KEY,
    session_id BLOB    CHECK (length(session_id) = 16),
    generation INTEGER CHECK (generation BETWEEN 0 AND 4294967295),
    kid        TEXT,
    until      INTEGER NOT NULL,
    CHECK ((session_id IS NULL) = (kid IS NOT NULL)),
    CHECK (generation IS NULL OR session_id IS NOT NULL)
) STRICT;

CREATE INDEX revocation_until ON revocation (until);

-- Whoever is shown an access token asks for this alone: that a session is over, its own row says.
CREATE INDEX revocation_generation ON revocation (session_id) WHERE generation IS NOT NULL;

-- `epoch` names the timeline of `last`, the newest sequence ever given. `access` is how long access tokens live, in
-- milliseconds, and `former_until` when the last has ended that was made to live longer.
CREATE TABLE revocation_feed (
    only_row     INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    epoch        TEXT    NOT NULL,
    last         INTEGER NOT NULL,
    access       INTEGER NOT NULL,
    former_until INTEGER NOT NULL
) STRICT;

INSERT INTO revocation_feed VALUES (1, lower(hex(randomblob(8))), 0, 0, 0);

-- Of a credential its SHA-256 is kept, which opens nothing.
CREATE TABLE resource_server (
    name       TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
