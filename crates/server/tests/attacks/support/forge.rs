//! What a thief makes who has the database, the master key, or both.

use relatch_core::{
    Timestamp,
    key::{
        Algorithm, KeyRecord, KeyState, KeyTable, Keyring, MasterKey, MasterKeys, Purpose, Sealed,
    },
};

use super::Folder;

impl Folder {
    /// The master key, read from its file.
    pub(crate) fn read_master_key(&self) -> MasterKey {
        let text = std::fs::read_to_string(self.master_key()).unwrap();
        let digits = text.trim_end().as_bytes().chunks(2);
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let bytes: Vec<u8> = digits.map(byte).collect();
        MasterKey::from_bytes(bytes.try_into().unwrap())
    }

    /// The keys of the database, opened with the master key.
    pub(crate) fn open_keys(&self) -> Keyring {
        let table = KeyTable {
            version: 0,
            records: self.key_records(),
        };
        let master = MasterKeys::new(self.read_master_key(), Vec::new());
        Keyring::open(&table, &master, Timestamp::from_seconds(0)).unwrap()
    }

    /// The seed of the Ed25519 key that signs access tokens.
    pub(crate) fn signing_seed(&self) -> Vec<u8> {
        let mut records = self.key_records().into_iter();
        let key = records.find(|key| key.purpose == Purpose::Signing).unwrap();
        let master = self.read_master_key();
        let seed = master.open(&key.identity(), &key.sealed).unwrap();
        seed.to_vec()
    }

    fn key_records(&self) -> Vec<KeyRecord> {
        let connection = self.open_database();
        let mut statement = connection
            .prepare(
                "SELECT purpose, id, master_key, sealed, algorithm FROM key WHERE state = 'active'",
            )
            .unwrap();
        let records = statement.query_map([], |row| {
            let purpose: String = row.get(0)?;
            let algorithm: Option<String> = row.get(4)?;
            Ok(KeyRecord {
                purpose: Purpose::from_name(&purpose).unwrap(),
                id: row.get(1)?,
                algorithm: algorithm.and_then(|name| Algorithm::from_name(&name)),
                state: KeyState::active(Timestamp::from_seconds(0)),
                sealed: Sealed {
                    master: row.get(2)?,
                    bytes: row.get(3)?,
                },
            })
        });
        records.unwrap().map(Result::unwrap).collect()
    }

    /// The secret of a session, as the database has it.
    pub(crate) fn session_secret(&self, session: [u8; 16]) -> [u8; 32] {
        let connection = self.open_database();
        let sql = "SELECT secret FROM session WHERE id = ?1";
        connection
            .query_row(sql, [session], |row| row.get(0))
            .unwrap()
    }
}
