//! `web-identity-token-file`: a token that something else keeps fresh.

use std::path::{Component, Path, PathBuf};

use super::mask::Mask;
use super::oidc::Token;
use crate::error::{Code, Error};

/// Reads the token, each time anew: Kubernetes replaces it while the job runs.
///
/// A link is refused, because a checked-out repository could point it at a file of the runner. Only Kubernetes' own
/// service account tokens, which are links by design, are followed.
///
/// # Errors
/// [`Code::FileUnreadable`].
pub(super) fn read(path: &Path, workspace: &Path, mask: &Mask) -> Result<Token, Error> {
    let shown = path.display();
    let unreadable = |why: String| {
        let what = format!("The token file `{shown}` cannot be read.");
        Error::new(
            Code::FileUnreadable,
            what,
            why,
            "Correct `web-identity-token-file`; it is relative to the workspace.",
        )
    };
    let (base, asked) = if path.is_absolute() {
        (PathBuf::new(), path.to_owned())
    } else {
        let base = workspace.canonicalize().map_err(|error| unreadable(error.to_string()))?;
        (base.clone(), base.join(path))
    };
    let real = asked.canonicalize().map_err(|error| unreadable(error.to_string()))?;
    let plain: PathBuf = base.join(path).components().filter(|part| *part != Component::CurDir).collect();
    if real != plain && !is_service_account(path) {
        return Err(unreadable("It is a link, or lies behind one or behind `..`.".to_owned()));
    }
    let text = std::fs::read_to_string(&real).map_err(|error| unreadable(error.to_string()))?;
    let jwt = text.trim();
    if jwt.is_empty() {
        return Err(unreadable("It is empty.".to_owned()));
    }
    mask.hide(jwt);
    Ok(Token::new(jwt))
}

/// `/var/run/secrets/<anything>/serviceaccount/token`.
fn is_service_account(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
    matches!(parts.as_slice(), ["/", "var", "run", "secrets", name, "serviceaccount", "token"] if *name != "..")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_token_is_read_from_the_workspace_and_never_through_a_link() {
        let workspace = tempfile::tempdir().unwrap();
        std::fs::write(workspace.path().join("token"), "e30.e30.c2ln\n").unwrap();
        std::os::unix::fs::symlink(workspace.path().join("token"), workspace.path().join("link")).unwrap();
        let read = |path: &str| read(Path::new(path), workspace.path(), &Mask::new(|_| ()));
        assert_eq!(read("token").unwrap().jwt.expose(), "e30.e30.c2ln");
        assert_eq!(read("./token").unwrap().jwt.expose(), "e30.e30.c2ln");
        for refused in ["link", "absent", "../token", ""] {
            assert_eq!(read(refused).unwrap_err().code, Code::FileUnreadable, "{refused}");
        }
        assert!(is_service_account(Path::new("/var/run/secrets/eks.amazonaws.com/serviceaccount/token")));
        assert!(!is_service_account(Path::new("/var/run/secrets/../serviceaccount/token")));
    }
}
