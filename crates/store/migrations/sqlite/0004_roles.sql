-- Roles, who holds them, and what a login asked for.

CREATE TABLE role (
    name        TEXT    NOT NULL PRIMARY KEY,
    permissions TEXT    NOT NULL,
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE role_table (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version  INTEGER NOT NULL
) STRICT;

INSERT INTO role_table VALUES (1, 0);

CREATE TABLE user_role (
    user_id BLOB NOT NULL REFERENCES user (id),
    role    TEXT NOT NULL REFERENCES role (name),
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_role_role ON user_role (role);

-- The permissions that the login asked for, separated by spaces; NULL: all that the user has.
ALTER TABLE session ADD COLUMN scope TEXT;
