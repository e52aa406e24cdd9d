//! Addresses and networks of the Internet.

use std::{fmt, net::IpAddr};

use super::value::Fault;

/// A network, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// Its leading bits are those of every address in it.
    address: IpAddr,
    /// How many bits that are.
    bits: u8,
}

impl Network {
    /// `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
    ///
    /// # Errors
    /// What else it is, in words.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || {
            format!(
                "{text:?} is no address and no network: write them like \"192.0.2.7\", \"10.0.0.0/8\" or \"fd00::/8\""
            )
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let width: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.starts_with('+') => return Err(fault()),
            Some(bits) => bits.parse().map_err(|_| fault())?,
            None => width,
        };
        if bits > width {
            return Err(fault());
        }
        let network = Self { address, bits };
        // Whoever writes 10.1.2.3/8 meant another network or another width.
        let (value, _) = as_bits(address);
        if value & network.rest_mask(width.into()) != 0 {
            return Err(format!(
                "{text:?} has bits set behind the first {bits}: write the network's own address"
            ));
        }
        Ok(network)
    }

    /// How many leading bits its addresses have in common.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether its addresses are of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((own, width), (theirs, their_width)) = (as_bits(self.address), as_bits(address));
        width == their_width && (own ^ theirs) & !self.rest_mask(width) == 0
    }

    /// Those of `width` bits that are not the network's.
    fn rest_mask(&self, width: u32) -> u128 {
        let rest = width - u32::from(self.bits);
        !u128::MAX.checked_shl(rest).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The number and how many bits it has.
fn as_bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        let network = Network::parse(network).expect("a network");
        network.contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        for (network, address) in [
            ("10.0.0.0/8", "10.255.0.1"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.6/31", "192.0.2.7"),
            ("0.0.0.0/0", "255.1.2.3"),
            ("::/0", "2001:db8::1"),
            ("fd00::/8", "fdff::1"),
            ("::1", "::1"),
        ] {
            assert!(contains(network, address), "{network} {address}");
        }
        for (network, address) in [
            ("10.0.0.0/8", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.6"),
            ("192.0.2.6/31", "192.0.2.8"),
            ("0.0.0.0/0", "::1"),
            ("::/0", "127.0.0.1"),
            ("fd00::/8", "fe00::1"),
        ] {
            assert!(!contains(network, address), "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in [
            "",
            "10",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "::/129",
            "proxy.example.com",
            "10.1.2.3/8",
            "fd00::1/8",
            "10.0.0.0/8/8",
        ] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }
}
