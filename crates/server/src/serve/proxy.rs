//! The PROXY protocol, version 2: a proxy that only passes bytes on says first whom it speaks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// More than all that proxies add of their own.
const LONGEST: usize = 4096;

/// Of whom a proxy speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// Of itself, as when it asks whether we are well.
    Itself,
    /// Of this client.
    Client(IpAddr),
}

/// Reads the header and nothing that comes after it; nothing if there is none.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Source> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.ok()?;
    let (signature, rest) = head.split_first_chunk()?;
    let [command, family, length @ ..] = rest.first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if *signature != SIGNATURE || length > LONGEST {
        return None;
    }
    let mut addresses = vec![0; length];
    stream.read_exact(&mut addresses).await.ok()?;
    source(*command, *family, &addresses)
}

fn source(command: u8, family: u8, addresses: &[u8]) -> Option<Source> {
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    match (command, family) {
        (LOCAL, _) | (PROXY, 0x00) => Some(Source::Itself),
        // TCP over IPv4: both addresses, then both ports.
        (PROXY, 0x11) if addresses.len() >= 12 => {
            let source: &[u8; 4] = addresses.first_chunk()?;
            Some(Source::Client(Ipv4Addr::from(*source).into()))
        }
        // TCP over IPv6.
        (PROXY, 0x21) if addresses.len() >= 36 => {
            let source: &[u8; 16] = addresses.first_chunk()?;
            let source = IpAddr::from(Ipv6Addr::from(*source));
            Some(Source::Client(source.to_canonical()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_proxy_header() {
        let v4 = [
            &SIGNATURE[..],
            &[0x21, 0x11, 0, 12, 192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 3, 4],
        ]
        .concat();
        let v6 = [&SIGNATURE[..], &[0x21, 0x21, 0, 36], &[7; 36]].concat();
        let local = [&SIGNATURE[..], &[0x20, 0, 0, 0]].concat();
        let target = fuzz::Target {
            name: "proxy header",
            seeds: &[&v4, &v6, &local],
            words: &["\r\n\r\n\0\r\nQUIT\n", "PROXY TCP4 ", "\0"],
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        fuzz::run(&target, |input| {
            let mut rest = input;
            if runtime.block_on(read(&mut rest)).is_some() {
                assert!(input.starts_with(&SIGNATURE));
                let length = usize::from(u16::from_be_bytes([input[14], input[15]]));
                assert_eq!(rest.len(), input.len() - 16 - length);
            }
        });
    }

    async fn read_all(command: u8, family: u8, addresses: &[u8]) -> (Option<Source>, Vec<u8>) {
        let length = u16::try_from(addresses.len()).expect("short").to_be_bytes();
        let bytes = [
            &SIGNATURE[..],
            &[command, family],
            &length,
            addresses,
            b"GET /",
        ]
        .concat();
        let mut rest = bytes.as_slice();
        (read(&mut rest).await, rest.to_vec())
    }

    #[tokio::test]
    async fn a_client_is_named_by_either_version_of_ip() {
        let client = |address: &str| Some(Source::Client(address.parse().expect("an address")));
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 3, 4];
        let v6 = [
            &Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).octets()[..],
            &[0; 20],
        ]
        .concat();
        let mapped = Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().octets();
        let mapped = [&mapped[..], &[0; 20]].concat();
        let added = [&v4[..], &[4, 0, 1, 0]].concat();
        for (family, addresses, expected) in [
            (0x11, &v4[..], client("192.0.2.7")),
            (0x11, &added, client("192.0.2.7")),
            (0x21, &v6, client("2001:db8::7")),
            (0x21, &mapped, client("192.0.2.7")),
            (0x00, &[], Some(Source::Itself)),
        ] {
            let (source, rest) = read_all(0x21, family, addresses).await;
            assert_eq!(source, expected);
            assert_eq!(rest, b"GET /", "what follows is left");
        }
        assert_eq!(read_all(0x20, 0x11, &v4).await.0, Some(Source::Itself));
    }

    #[tokio::test]
    async fn anything_else_is_none() {
        for (command, family, length) in [
            (0x21, 0x11, 11),
            (0x21, 0x21, 35),
            (0x21, 0x12, 12),
            (0x21, 0x31, 216),
            (0x11, 0x11, 12),
            (0x22, 0x11, 12),
            (0x21, 0x11, LONGEST + 1),
        ] {
            let read = read_all(command, family, &vec![0; length]).await.0;
            assert_eq!(read, None, "{command:x} {family:x} {length}");
        }
        for text in [&b""[..], b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n", &SIGNATURE] {
            assert_eq!(read(&mut &*text).await, None);
        }
    }
}
