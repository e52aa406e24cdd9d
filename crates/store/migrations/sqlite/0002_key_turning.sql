-- What a signing key signs with, and the wish to have an active key replaced (`until`).

CREATE TABLE key_new (
    purpose     TEXT    NOT NULL CHECK (purpose IN ('signing', 'refresh_tag')),
    id          TEXT    NOT NULL,
    algorithm   TEXT    CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256')),
    state       TEXT    NOT NULL CHECK (state IN ('announced', 'active', 'retired', 'compromised')),
    since       INTEGER NOT NULL,
    until       INTEGER,
    master_key  BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (purpose, id),
    CHECK ((purpose = 'signing') = (algorithm IS NOT NULL)),
    CHECK (state = 'active' OR (state = 'retired') = (until IS NOT NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO key_new
SELECT purpose, id, iif(purpose = 'signing', 'EdDSA', NULL), state, since, until, master_key, sealed FROM key;

DROP TABLE key;
ALTER TABLE key_new RENAME TO key;
