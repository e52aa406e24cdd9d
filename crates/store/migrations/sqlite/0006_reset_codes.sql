-- One-time codes for a new password: of each its hash, and no user has two. What one may replace is the password of that
-- credential version and no later one.

CREATE TABLE reset_code (
    user_id    BLOB    NOT NULL PRIMARY KEY REFERENCES user (id),
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    replaces   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    failures   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
