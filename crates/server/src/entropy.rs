//! Random bytes from aws-lc, which the operating system seeds.

use relatch_core::Entropy;

/// Unpredictable bytes.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// If the operating system has no random bytes to give: nothing may go on then.
    #[expect(
        clippy::expect_used,
        reason = "a server without random bytes must not go on"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
    }
}
