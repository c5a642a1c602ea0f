//! TLS settings of a transport, made of its files: read at the start and again on reload.
//!
//! | option | what it does here |
//! | --- | --- |
//! | `cert_file`, `priv_key_file` | the certificate chain and its key (PEM); without `priv_key_file` the key is looked for in `cert_file` |
//! | `ca_list_file`, `ca_list_path` | whose certificates are believed |
//! | `verify_client`, `require_client_cert` | a phone's certificate is checked if it has one; it must have one |
//! | `verify_server` | the certificate of a phone that we connect to is checked |
//! | `method` | the oldest version that is spoken; below TLS 1.2 there is none |
//! | `cipher` | the cipher suites, by OpenSSL's names |

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    CipherSuite, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion, version,
};

use crate::config::Tls;

/// TLS 1.3 and 1.2; `sslv23` is OpenSSL's word for "whatever both sides know".
static BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
static NEWEST: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// OpenSSL's names of the suites that rustls has.
const SUITES: [(&str, CipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-AES256-GCM-SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES128-GCM-SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// Why a transport has no TLS. It names the option and the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// The settings of one transport, replaced as a whole when its files are read again.
#[derive(Debug)]
pub(crate) struct TlsContext {
    options: Tls,
    current: ArcSwap<Configs>,
}

/// For connections that phones open, and that we open.
#[derive(Debug)]
pub(crate) struct Configs {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

impl TlsContext {
    /// Reads the files that the options name; gives remarks about options that count for nothing.
    pub(crate) fn new(options: &Tls) -> Result<(Arc<Self>, Vec<String>), TlsError> {
        let mut remarks = Vec::new();
        let configs = configs(options, &mut remarks)?;
        Ok((Arc::new(Self { options: options.clone(), current: ArcSwap::from_pointee(configs) }), remarks))
    }

    /// Reads the files again; new connections use what they hold. On error all stays as it was.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(configs(&self.options, &mut Vec::new())?));
        Ok(())
    }

    /// What new connections use.
    pub(crate) fn current(&self) -> Arc<Configs> {
        self.current.load_full()
    }
}

fn configs(options: &Tls, remarks: &mut Vec<String>) -> Result<Configs, TlsError> {
    let provider = Arc::new(provider(options, remarks));
    let versions = versions(&options.method)?;
    let roots = roots(options)?;
    let (chain, key) = identity(options)?;
    let fail = |what: &str, error: &dyn std::fmt::Display| TlsError(format!("{what}: {error}"));

    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|error| fail("method and cipher fit nothing", &error))?;
    let server = if options.verify_client || options.require_client_cert {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
        let verifier = if options.require_client_cert { verifier } else { verifier.allow_unauthenticated() };
        let verifier = verifier.build().map_err(|_| {
            TlsError("verify_client and require_client_cert need ca_list_file or ca_list_path".into())
        })?;
        server.with_client_cert_verifier(verifier)
    } else {
        server.with_no_client_auth()
    };
    let server = server
        .with_single_cert(chain.clone(), key.clone_key())
        .map_err(|error| fail("cert_file and priv_key_file", &error))?;

    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|error| fail("method and cipher fit nothing", &error))?;
    let client = if options.verify_server {
        if roots.is_empty() {
            return Err(TlsError("verify_server needs ca_list_file or ca_list_path".into()));
        }
        client.with_root_certificates(roots)
    } else {
        client.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
    };
    let client = client
        .with_client_auth_cert(chain, key)
        .map_err(|error| fail("cert_file and priv_key_file", &error))?;
    Ok(Configs { server: Arc::new(server), client: Arc::new(client) })
}

/// The certificate chain and its key.
fn identity(options: &Tls) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let Some(cert_file) = options.cert_file.as_deref() else {
        return Err(TlsError("TLS needs cert_file".into()));
    };
    let chain = certificates("cert_file", cert_file)?;
    let (option, key_file) = match options.priv_key_file.as_deref() {
        Some(file) => ("priv_key_file", file),
        None => ("cert_file", cert_file),
    };
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| {
        let locked = std::fs::read_to_string(key_file).is_ok_and(|text| text.contains("ENCRYPTED"));
        let why = if locked {
            "its key is locked with a password, which cannot be used: store it unlocked".to_owned()
        } else {
            format!("no private key: {error}")
        };
        TlsError(format!("{option} = {key_file}: {why}"))
    })?;
    Ok((chain, key))
}

fn certificates(option: &str, file: impl AsRef<Path>) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = file.as_ref();
    let fail = |why: String| TlsError(format!("{option} = {}: {why}", file.display()));
    let all = CertificateDer::pem_file_iter(file).map_err(|error| fail(error.to_string()))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(|error| fail(error.to_string()))?;
    if all.is_empty() { Err(fail("no certificate".into())) } else { Ok(all) }
}

/// The authorities that are believed.
fn roots(options: &Tls) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut add = |option: &str, file: &Path| {
        for certificate in certificates(option, file)? {
            roots
                .add(certificate)
                .map_err(|error| TlsError(format!("{option} = {}: {error}", file.display())))?;
        }
        Ok::<_, TlsError>(())
    };
    if let Some(file) = options.ca_list_file.as_deref() {
        add("ca_list_file", Path::new(file))?;
    }
    if let Some(directory) = options.ca_list_path.as_deref() {
        let entries = std::fs::read_dir(directory)
            .map_err(|error| TlsError(format!("ca_list_path = {directory}: {error}")))?;
        // Such directories hold other files too.
        entries.flatten().filter(|entry| entry.path().is_file()).for_each(|entry| {
            if let Err(error) = add("ca_list_path", &entry.path()) {
                tracing::debug!("{error}");
            }
        });
    }
    Ok(Arc::new(roots))
}

fn versions(method: &str) -> Result<&'static [&'static SupportedProtocolVersion], TlsError> {
    match method {
        "tlsv1" | "tlsv1_1" | "sslv2" | "sslv3" => Err(TlsError(format!(
            "method = {method}: versions before TLS 1.2 are not spoken (RFC 8996); use tlsv1_2 or tlsv1_3"
        ))),
        "tlsv1_3" => Ok(NEWEST),
        _ => Ok(BOTH),
    }
}

/// The cipher suites that are asked for, or all.
fn provider(options: &Tls, remarks: &mut Vec<String>) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if options.cipher.is_empty() {
        return provider;
    }
    let mut wanted = Vec::new();
    for name in &options.cipher {
        match SUITES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, suite)) => wanted.push(*suite),
            None => remarks.push(format!("cipher = {name} is not spoken and left out")),
        }
    }
    if wanted.is_empty() {
        remarks.push("none of cipher is spoken: all that are safe are offered".into());
    } else {
        provider.cipher_suites.retain(|suite| wanted.contains(&suite.suite()));
    }
    provider
}

/// `verify_server=no`: any certificate will do. The phone must still own its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_certificate(directory: &Path) -> Tls {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            std::fs::write(&path, text).unwrap();
            Some(path.to_str().unwrap().into())
        };
        Tls {
            cert_file: write("cert.pem", made.cert.pem()),
            priv_key_file: write("key.pem", made.signing_key.serialize_pem()),
            method: "unspecified".into(),
            ..Tls::default()
        }
    }

    fn error(options: &Tls) -> String {
        TlsContext::new(options).unwrap_err().to_string()
    }

    #[test]
    fn the_option_and_file_at_fault_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let good = own_certificate(directory.path());
        assert_eq!(TlsContext::new(&good).unwrap().1, [""; 0]);
        let broken = directory.path().join("broken.pem");
        std::fs::write(&broken, "nothing").unwrap();
        let broken: Arc<str> = broken.to_str().unwrap().into();

        let cert = Tls { cert_file: Some(broken.clone()), ..good.clone() };
        assert_eq!(error(&cert), format!("cert_file = {broken}: no certificate"));
        let key = Tls { priv_key_file: Some(broken.clone()), ..good.clone() };
        assert!(
            error(&key).starts_with(&format!("priv_key_file = {broken}: no private key")),
            "{}",
            error(&key)
        );
        let none = Tls { cert_file: None, ..good.clone() };
        assert_eq!(error(&none), "TLS needs cert_file");
        let other = tempfile::tempdir().unwrap();
        let foreign = own_certificate(other.path());
        let mixed = Tls { priv_key_file: foreign.priv_key_file, ..good.clone() };
        assert!(error(&mixed).starts_with("cert_file and priv_key_file: "), "{}", error(&mixed));
        let unbelieving = Tls { verify_client: true, ..good.clone() };
        assert!(error(&unbelieving).contains("ca_list_file"), "{}", error(&unbelieving));
        let unbelieving = Tls { verify_server: true, ..good.clone() };
        assert!(error(&unbelieving).contains("ca_list_file"), "{}", error(&unbelieving));
    }

    #[test]
    fn old_versions_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let good = own_certificate(directory.path());
        for method in ["tlsv1", "tlsv1_1", "sslv2", "sslv3"] {
            let old = Tls { method: method.into(), ..good.clone() };
            assert!(error(&old).starts_with(&format!("method = {method}: ")), "{}", error(&old));
        }
        for method in ["tlsv1_2", "tlsv1_3", "sslv23"] {
            assert!(TlsContext::new(&Tls { method: method.into(), ..good.clone() }).is_ok());
        }
    }

    #[test]
    fn unknown_ciphers_are_remarked() {
        let directory = tempfile::tempdir().unwrap();
        let cipher = ["RC4-MD5", "ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"];
        let options = Tls { cipher: cipher.map(Into::into).into(), ..own_certificate(directory.path()) };
        let (_, remarks) = TlsContext::new(&options).unwrap();
        assert_eq!(remarks, ["cipher = RC4-MD5 is not spoken and left out"]);
    }

    #[test]
    fn a_broken_file_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let options = own_certificate(directory.path());
        let (context, _) = TlsContext::new(&options).unwrap();
        let before = context.current();
        std::fs::write(directory.path().join("cert.pem"), "half a file").unwrap();
        assert!(context.reload().is_err());
        assert!(Arc::ptr_eq(&before, &context.current()));
        own_certificate(directory.path());
        context.reload().unwrap();
        assert!(!Arc::ptr_eq(&before, &context.current()));
    }
}
