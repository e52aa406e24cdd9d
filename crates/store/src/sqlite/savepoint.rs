//! Several statements of one member of a batch: all of them or none, whatever becomes of the other members.

use rusqlite::Connection;

use super::row::Fault;

/// Runs `work` so that it leaves nothing behind if it fails.
pub(super) fn within<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.prepare_cached("SAVEPOINT member")?.execute([])?;
    let result = work(connection);
    // Some failures end the whole transaction, and the savepoint with it.
    if connection.is_autocommit() {
        return result;
    }
    if result.is_err() {
        // Where not even this works, nothing of the transaction may be kept.
        if let Err(error) = connection.execute_batch("ROLLBACK TO member") {
            connection.execute_batch("ROLLBACK")?;
            return Err(error.into());
        }
    }
    connection.prepare_cached("RELEASE member")?.execute([])?;
    result
}
