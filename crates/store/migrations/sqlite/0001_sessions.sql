-- Users, their sessions, the keys and what happened. Times are milliseconds since the Unix epoch, ids UUIDs in 16 bytes.

CREATE TABLE user (
    id                 BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username           TEXT    NOT NULL UNIQUE,
    email              TEXT    NOT NULL,
    password_hash      TEXT    NOT NULL,
    credential_version INTEGER NOT NULL,
    disabled           INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a login, however often its refresh token turns. Nothing that a rotation changes is indexed.
CREATE TABLE session (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BLOB    NOT NULL REFERENCES user (id),
    secret      BLOB    NOT NULL CHECK (length(secret) = 32),
    generation  INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    rotated_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    remember_me INTEGER NOT NULL CHECK (remember_me IN (0, 1)),
    bound       INTEGER NOT NULL CHECK (bound IN (0, 1)),
    device      TEXT    NOT NULL,
    ended_at    INTEGER,
    end_reason  INTEGER,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;

-- Ended ones are not in it: a user may have any number of those, and whoever logs in must not wait for them.
CREATE INDEX session_user ON session (user_id) WHERE ended_at IS NULL;

-- The secret of a key is sealed under the master key, which is never in here.
CREATE TABLE key (
    purpose     TEXT    NOT NULL CHECK (purpose IN ('signing', 'refresh_tag')),
    id          TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('announced', 'active', 'retired', 'compromised')),
    since       INTEGER NOT NULL,
    until       INTEGER,
    master_key  BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (purpose, id),
    CHECK ((state = 'retired') = (until IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE key_table (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version  INTEGER NOT NULL
) STRICT;

INSERT INTO key_table VALUES (1, 0);

CREATE TABLE event (
    number     INTEGER NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    user_id    BLOB    NOT NULL,
    session_id BLOB,
    address    TEXT,
    agent      TEXT,
    detail     TEXT
) STRICT;

CREATE INDEX event_user ON event (user_id, number);

-- Failed logins are counted and not listed, so that a flood of them cannot fill the disk. An unknown name has the user of
-- sixteen zero bytes.
CREATE TABLE failed_login (
    hour    INTEGER NOT NULL,
    user_id BLOB    NOT NULL,
    address TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (hour, user_id, address)
) STRICT, WITHOUT ROWID;
