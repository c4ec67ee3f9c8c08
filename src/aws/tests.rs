//! What goes over the wire, told by a small server that answers as AWS and GitHub do.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use crate::inputs::Credentials;

/// Inputs that name no way to credentials.
pub(super) fn credentials() -> Credentials {
    Credentials {
        role: None,
        audience: "sts.amazonaws.com".to_owned(),
        session_name: "GitHubActions".to_owned(),
        duration: Duration::from_hours(1),
        external_id: None,
        chaining: false,
        skip_session_tagging: false,
        transitive_tag_keys: Vec::new(),
        custom_tags: Vec::new(),
        inline_session_policy: None,
        managed_session_policies: Vec::new(),
        web_identity_token_file: None,
        sts_endpoint: None,
        force_skip_oidc: false,
        access_keys: None,
        allowed_account_ids: Vec::new(),
        mask_account_id: false,
        max_attempts: 3,
    }
}

#[cfg(feature = "sim")]
pub(crate) mod wire {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use axum::body::{Bytes, to_bytes};
    use axum::extract::Request;
    use axum::response::{IntoResponse, Response};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::super::call::CallErrorKind;
    use super::super::ecr::ImageLookup;
    use super::super::mask::Mask;
    use super::super::transport::{self, NoSuchOperation, Transport};
    use super::super::{Aws, Identity};
    use super::credentials;
    use crate::error::{Code, Error};
    use crate::http::Http;
    use crate::inputs::runner::{OidcRequest, Runner};
    use crate::inputs::{AccessKeys, Credentials, Role};
    use crate::model::image::ImageRef;
    use crate::model::manifest::Manifest;
    use crate::model::secret::Secret;

    const REGION: &str = "eu-central-1";
    const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

    /// A request as the server received it.
    #[derive(Clone)]
    struct Received {
        /// ECS's `X-Amz-Target`, STS's `Action`, or the path and query.
        what: String,
        authorization: String,
        body: String,
    }

    type Log = Arc<Mutex<Vec<Received>>>;

    /// A server on loopback that answers with `answer(how many came before, request)`; its address, and what it received.
    async fn server(
        answer: impl Fn(usize, &Received) -> (u16, String) + Clone + Send + Sync + 'static,
    ) -> (String, Log) {
        let log = Log::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = log.clone();
        let app = axum::Router::new().fallback(move |request: Request| {
            let (answer, seen) = (answer.clone(), seen.clone());
            async move { respond(request, answer, seen).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        (address, log)
    }

    async fn respond(request: Request, answer: impl Fn(usize, &Received) -> (u16, String), log: Log) -> Response {
        let (head, body) = request.into_parts();
        let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let action = body.strip_prefix("Action=").and_then(|rest| rest.split('&').next());
        let target = header("x-amz-target").map(|target| target.rsplit('.').next().unwrap().to_owned());
        let what = target.or(action.map(str::to_owned)).unwrap_or_else(|| head.uri.to_string());
        let received = Received { what, authorization: header("authorization").unwrap_or_default(), body };
        let before = log.lock().unwrap().iter().filter(|earlier| earlier.what == received.what).count();
        log.lock().unwrap().push(received.clone());
        let (status, body) = answer(before, &received);
        let kind = if body.starts_with('<') { "text/html" } else { "application/x-amz-json-1.1" };
        (axum::http::StatusCode::from_u16(status).unwrap(), [("content-type", kind), ("x-amzn-requestid", "r1")], body)
            .into_response()
    }

    fn received(log: &Log) -> Vec<String> {
        log.lock().unwrap().iter().map(|received| received.what.clone()).collect()
    }

    /// AWS with static keys, whose every service is at `address`.
    pub(crate) async fn aws(address: &str) -> Aws {
        let keys = aws_credential_types::Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let keys = aws_credential_types::provider::SharedCredentialsProvider::new(keys);
        let config = transport::config(&Transport::default(), REGION, 3, Some(keys)).await;
        let config = config.to_builder().endpoint_url(address).build();
        let ecs = aws_sdk_ecs::config::Builder::from(&config).retry_classifier(NoSuchOperation).build();
        Aws {
            identity: Identity::of("arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions"),
            region: REGION.to_owned(),
            ecs: aws_sdk_ecs::Client::from_conf(ecs),
            config,
            max_attempts: 3,
            mask: Mask::new(|_| ()),
        }
    }

    fn revision() -> String {
        json!({"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7",
            "status": "ACTIVE", "invented": {"nested": null}}, "tags": [{"key": "a", "value": "b"}]})
        .to_string()
    }

    #[tokio::test]
    async fn a_registered_document_reaches_the_wire_and_comes_back_whole() {
        let (address, log) = server(|_, _| (200, revision())).await;
        let body = json!({"family": "web", "inventedToday": [1, {"x": null}], "containerDefinitions": []});
        let registered = aws(&address).await.register_task_definition(&body).await.unwrap();
        assert_eq!(registered.document["invented"], json!({"nested": null}));
        assert_eq!((registered.arn.rsplit('/').next(), registered.tags.len()), (Some("web:7"), 1));
        let sent = log.lock().unwrap()[0].clone();
        assert_eq!(sent.what, "RegisterTaskDefinition");
        assert_eq!(serde_json::from_str::<Value>(&sent.body).unwrap(), body);
        assert!(sent.authorization.contains("/eu-central-1/ecs/aws4_request"), "{}", sent.authorization);
    }

    #[tokio::test]
    async fn a_register_whose_answer_is_lost_is_not_sent_again() {
        let (address, log) = server(|_, _| (500, r#"{"__type":"ServerException"}"#.to_owned())).await;
        let error = aws(&address).await.register_task_definition(&json!({"family": "web"})).await.unwrap_err();
        assert!(error.maybe_applied);
        assert_eq!(error.kind, CallErrorKind::Unreachable);
        assert_eq!(received(&log), ["RegisterTaskDefinition"]);
    }

    #[tokio::test]
    async fn a_throttled_register_is_sent_again() {
        let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        let (address, log) =
            server(move |before, _| if before == 0 { (400, throttled.to_owned()) } else { (200, revision()) }).await;
        aws(&address).await.register_task_definition(&json!({"family": "web"})).await.unwrap();
        assert_eq!(received(&log).len(), 2);
    }

    #[tokio::test]
    async fn an_update_is_repeated_only_when_it_was_not_carried_out() {
        let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        let done = || (200, json!({"service": {"serviceName": "web", "deployments": null}}).to_string());
        let update = json!({"service": "web", "new": 1});
        let (address, log) =
            server(move |before, _| if before == 0 { (400, throttled.to_owned()) } else { done() }).await;
        let service = aws(&address).await.update_service(&update).await.unwrap();
        assert_eq!(service.service_name, "web");
        let bodies: Vec<_> = log.lock().unwrap().iter().map(|received| received.body.clone()).collect();
        assert_eq!(bodies, [r#"{"service":"web","new":1}"#; 2]);
        // Lost: somebody else may deploy before the second one, which would then begin another deployment.
        let (address, log) = server(move |before, _| if before == 0 { (503, String::new()) } else { done() }).await;
        assert!(aws(&address).await.update_service(&update).await.unwrap_err().maybe_applied);
        assert_eq!(received(&log).len(), 1);
    }

    #[tokio::test]
    async fn a_throttled_read_goes_on_after_a_pause_of_seconds() {
        let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        let (address, log) =
            server(move |before, _| if before < 2 { (400, throttled.to_owned()) } else { (200, "{}".to_owned()) })
                .await;
        let started = Instant::now();
        let aws = aws(&address).await;
        assert_eq!(aws.describe_services("prod", &["web"]).await.unwrap(), []);
        aws.describe_services("prod", &["web"]).await.unwrap();
        assert_eq!(received(&log).len(), 4);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn an_operation_that_the_endpoint_lacks_is_known_at_once() {
        let page = "<!doctype html>\n<html lang=en><title>500 Internal Server Error</title>";
        let (address, log) = server(move |_, _| (500, page.to_owned())).await;
        let error = aws(&address).await.list_service_deployments("prod", "web").await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::UnknownOperation);
        assert_eq!(received(&log).len(), 1);
    }

    #[tokio::test]
    async fn a_service_that_is_missing_is_absent_and_another_failure_is_an_error() {
        let failure = |reason: &str| json!({"services": [], "failures": [{"arn": "a", "reason": reason}]}).to_string();
        let (missing, other) = (failure("MISSING"), failure("ODD"));
        let (address, _) =
            server(move |before, _| (200, if before == 0 { missing.clone() } else { other.clone() })).await;
        let aws = aws(&address).await;
        assert_eq!(aws.describe_services("prod", &["web"]).await.unwrap(), []);
        assert_eq!(aws.describe_services("prod", &["web"]).await.unwrap_err().code.as_deref(), Some("ODD"));
    }

    #[tokio::test]
    async fn nobody_listening_is_unreachable_and_was_not_applied() {
        for address in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
            let error = aws(address).await.register_task_definition(&json!({})).await.unwrap_err();
            assert_eq!((error.kind, error.maybe_applied), (CallErrorKind::Unreachable, false), "{address}");
        }
    }

    #[tokio::test]
    async fn an_image_is_looked_up_in_its_own_account_and_region() {
        let digest = |c: &str| format!("sha256:{}", c.repeat(64));
        let index = json!({"manifests": [
            {"digest": digest("b"), "platform": {"architecture": "amd64"}}, {"digest": digest("c"), "annotations": {}},
        ]});
        let single = r#"{"config":{"digest":"x"},"layers":[]}"#;
        let answer = json!({
            "images": [
                {"imageId": {"imageDigest": digest("a"), "imageTag": "v1"}, "imageManifest": index.to_string()},
                {"imageId": {"imageDigest": digest("d"), "imageTag": "v3"}, "imageManifest": single},
                {"imageId": {"imageDigest": digest("e"), "imageTag": "v4"}, "imageManifest": "?"},
            ],
            "failures": [{"imageId": {"imageTag": "v2"}, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}]
        });
        let (address, log) = server(move |before, _| match before {
            0 => (200, answer.to_string()),
            _ => (
                400,
                r#"{"__type":"RepositoryNotFoundException","message":"The repository does not exist"}"#.to_owned(),
            ),
        })
        .await;
        let image =
            |tag| ImageRef::parse(&format!("999999999999.dkr.ecr.us-east-2.amazonaws.com/shop/web:{tag}")).unwrap();
        let (v1, v2, v3, v4) = (image("v1"), image("v2"), image("v3"), image("v4"));
        let aws = aws(&address).await;
        let missing = |words: &str| ImageLookup::Missing(words.to_owned());
        assert_eq!(
            aws.batch_get_image(&[&v2, &v1, &v3, &v4]).await.unwrap(),
            [
                missing("ImageNotFound: Requested image not found"),
                ImageLookup::Found { digest: digest("a"), manifest: Manifest::parse(&index.to_string()) },
                ImageLookup::Found { digest: digest("d"), manifest: Manifest::parse(single) },
                ImageLookup::Found { digest: digest("e"), manifest: Manifest::default() },
            ]
        );
        assert_eq!(aws.batch_get_image(&[&v1]).await.unwrap(), [missing("The repository does not exist")]);
        let sent = log.lock().unwrap()[0].clone();
        assert!(sent.authorization.contains("/us-east-2/ecr/aws4_request"), "{}", sent.authorization);
        let body: Value = serde_json::from_str(&sent.body).unwrap();
        assert_eq!(
            (&body["registryId"], body["acceptedMediaTypes"].as_array().unwrap().len()),
            (&json!("999999999999"), 4)
        );
    }

    #[tokio::test]
    async fn a_job_without_the_permission_is_told_so_and_a_fork_that_it_cannot_have_it() {
        let event = |head: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            let repo = |name: &str| json!({"repo": {"full_name": name}});
            let event = json!({"pull_request": {"head": repo(head), "base": repo("octo/shop")}});
            std::fs::write(file.path(), event.to_string()).unwrap();
            file
        };
        let (own, fork) = (event("octo/shop"), event("stranger/shop"));
        let runner = |event: &tempfile::NamedTempFile| Runner {
            is_actions: true,
            event_path: Some(event.path().to_owned()),
            ..Runner::default()
        };
        let asked = with_role("http://127.0.0.1:1");
        let started = Instant::now();
        let error = connect(&asked, &runner(&own), |_| ()).await.unwrap_err();
        assert!(error.fix.contains("id-token: write"), "{error}");
        let error = connect(&asked, &runner(&fork), |_| ()).await.unwrap_err();
        assert!(error.why.contains("fork"), "{error}");
        assert_eq!(error.code, Code::OidcPermissionMissing);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }

    fn claims() -> String {
        let claims = json!({"sub": "repo:octo/shop:pull_request", "aud": "sts.amazonaws.com", "iss": "https://issuer"});
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    /// A session as STS answers it, for so many seconds.
    fn session(action: &str, seconds: i64) -> String {
        let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser>\
             <AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions</Arn>\
             </AssumedRoleUser><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>\
             <SessionToken>token1</SessionToken><Expiration>{until:.0}</Expiration></Credentials></{action}Result>\
             </{action}Response>"
        )
    }

    fn sts_error(code: &str, message: &str) -> String {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
    }

    fn with_role(address: &str) -> Credentials {
        let sts_endpoint = Some(address.to_owned());
        Credentials { role: Some(Role::Arn(ROLE.to_owned())), sts_endpoint, ..credentials() }
    }

    fn runner(address: &str) -> Runner {
        let oidc = OidcRequest { url: format!("{address}/oidc?api-version=2"), token: Secret::new("bearer1") };
        Runner { oidc: Some(oidc), is_actions: true, repository: Some("octo/shop".to_owned()), ..Runner::default() }
    }

    async fn connect(credentials: &Credentials, runner: &Runner, mask: fn(&str)) -> Result<(Aws, Vec<String>), Error> {
        Aws::connect(credentials, REGION, runner, &Http::default(), &Transport::default(), mask).await
    }

    #[tokio::test]
    async fn a_github_token_becomes_a_session_and_every_secret_is_masked() {
        static MASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        fn mask(secret: &str) {
            MASKED.lock().unwrap().push(secret.to_owned());
        }
        let (address, log) = server(|before, received| match received.what.as_str() {
            "AssumeRoleWithWebIdentity" => (200, session(&received.what, 3600)),
            _ if before == 0 => (503, String::new()),
            _ => (200, json!({"value": claims()}).to_string()),
        })
        .await;
        let (aws, warnings) = connect(&with_role(&address), &runner(&address), mask).await.unwrap();
        assert_eq!((aws.identity.account.as_str(), aws.identity.partition.as_str()), ("123456789012", "aws"));
        assert!(warnings.is_empty());
        let asked = "/oidc?api-version=2&audience=sts.amazonaws.com";
        assert_eq!(received(&log), [asked, asked, "AssumeRoleWithWebIdentity"]);
        let log = log.lock().unwrap();
        assert_eq!(log[1].authorization, "Bearer bearer1");
        assert_eq!(log[2].authorization, "", "the token is the proof: the call is not signed");
        assert!(log[2].body.contains("DurationSeconds=3600") && !log[2].body.contains("Tags"), "{}", log[2].body);
        let masked = MASKED.lock().unwrap();
        for secret in ["bearer1", "ASIA1", "hush", "token1", &claims()] {
            assert!(masked.iter().any(|masked| masked == secret), "{secret}");
        }
    }

    #[tokio::test]
    async fn a_session_that_ends_soon_is_renewed_with_a_fresh_token() {
        let (address, log) = server(|_, received| match received.what.as_str() {
            "AssumeRoleWithWebIdentity" => (200, session(&received.what, 60)),
            "ListClusters" => (200, "{}".to_owned()),
            _ => (200, json!({"value": claims()}).to_string()),
        })
        .await;
        let (mut aws, _) = connect(&with_role(&address), &runner(&address), |_| ()).await.unwrap();
        aws.ecs = aws_sdk_ecs::Client::new(&aws.config.to_builder().endpoint_url(&address).build());
        aws.list_clusters().await.unwrap();
        let token = "/oidc?api-version=2&audience=sts.amazonaws.com";
        let assume = "AssumeRoleWithWebIdentity";
        assert_eq!(received(&log), [token, assume, token, assume, "ListClusters"]);
    }

    #[tokio::test]
    async fn a_role_that_is_refused_is_tried_three_times_and_explained_within_seconds() {
        let (address, log) = server(|_, received| match received.what.as_str() {
            "AssumeRoleWithWebIdentity" => {
                (403, sts_error("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"))
            }
            _ => (200, json!({"value": claims()}).to_string()),
        })
        .await;
        let started = Instant::now();
        let error = connect(&with_role(&address), &runner(&address), |_| ()).await.unwrap_err();
        assert_eq!(error.code, Code::RoleRefused);
        assert!(error.why.contains("sub `repo:octo/shop:pull_request`"), "{error}");
        assert!(error.why.contains("request id r1") && !error.to_string().contains("c2ln"), "{error}");
        assert_eq!(received(&log).len(), 4);
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn github_saying_no_is_final() {
        let (address, log) = server(|_, _| (403, r#"{"message":"Server won't issue"}"#.to_owned())).await;
        let error = connect(&with_role(&address), &runner(&address), |_| ()).await.unwrap_err();
        assert_eq!(
            (error.code, error.why.as_str()),
            (Code::OidcTokenRefused, "HTTP 403 Forbidden: Server won't issue")
        );
        assert_eq!(received(&log).len(), 1);
    }

    #[tokio::test]
    async fn a_bare_role_name_is_completed_by_the_one_allowed_account_or_refused_at_once() {
        let (address, log) = server(|_, received| match received.what.as_str() {
            "AssumeRoleWithWebIdentity" => (200, session(&received.what, 3600)),
            _ => (200, json!({"value": claims()}).to_string()),
        })
        .await;
        let mut asked = Credentials { role: Some(Role::Name("deploy".to_owned())), ..with_role(&address) };
        let error = connect(&asked, &runner(&address), |_| ()).await.unwrap_err();
        assert_eq!(error.code, Code::RoleNameBare);
        assert!(received(&log).is_empty());
        asked.allowed_account_ids = vec!["123456789012".to_owned()];
        connect(&asked, &runner(&address), |_| ()).await.unwrap();
        assert!(log.lock().unwrap()[1].body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy"));
        asked.role = Some(Role::Arn(ROLE.to_owned()));
        asked.allowed_account_ids = vec!["999999999999".to_owned()];
        let error = connect(&asked, &runner(&address), |_| ()).await.unwrap_err();
        assert_eq!(error.code, Code::AccountNotAllowed);
    }

    #[tokio::test]
    async fn keys_assume_a_role_with_tags_and_drop_six_when_they_are_too_large() {
        let (address, log) = server(|before, received| match (received.what.as_str(), before) {
            ("AssumeRole", 0) => (400, sts_error("PackedPolicyTooLarge", "Packed size of session tags consumes 120%")),
            _ => (200, session(&received.what, 3600)),
        })
        .await;
        let keys = AccessKeys { id: Secret::new("AKIA"), secret: Secret::new("s"), session_token: None };
        let transitive_tag_keys = vec!["Repository".to_owned(), "Absent".to_owned()];
        let external_id = Some("ext".to_owned());
        let asked = Credentials { access_keys: Some(keys), transitive_tag_keys, external_id, ..with_role(&address) };
        let runner = Runner { run_id: Some("42".to_owned()), ..runner(&address) };
        connect(&asked, &runner, |_| ()).await.unwrap();
        assert_eq!(received(&log), ["AssumeRole", "AssumeRole"]);
        let log = log.lock().unwrap();
        assert!(log[0].authorization.contains("/sts/aws4_request") && log[0].body.contains("ExternalId=ext"));
        assert!(log[0].body.contains("Tags.member.3.Key=RunId") && !log[1].body.contains("RunId"), "{}", log[1].body);
        assert!(log[1].body.contains("TransitiveTagKeys.member.1=Repository") && !log[1].body.contains("Absent"));
    }
}
