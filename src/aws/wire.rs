//! The bytes on the wire: the SDK signs, sends and retries, but the documents are ours.
//!
//! The SDK's types drop every field that is newer than the crate. So a request's body can be replaced before it is
//! signed, and an answer is read from its bytes.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::CallError;

/// The bytes of one call. Its `Debug` shows none of them: a task definition may hold secrets.
#[derive(Clone, Default)]
pub(super) struct Wire {
    body: Option<Arc<[u8]>>,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Wire {
    /// A call whose body is `body`, whatever the SDK wrote.
    pub fn sending(body: &Value) -> Self {
        Self { body: Some(body.to_string().into_bytes().into()), ..Self::default() }
    }

    /// The answer as the whole document that it is.
    pub fn document<O, E>(
        &self,
        action: &'static str,
        sent: Result<O, SdkError<E, HttpResponse>>,
    ) -> Result<Value, CallError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let bytes = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (bytes, sent) {
            // An answer that the SDK cannot read is still an answer.
            (Some(bytes), _) => {
                serde_json::from_slice(&bytes).map_err(|error| CallError::unreadable(action, &error.to_string()))
            }
            (None, Err(error)) => Err(CallError::from_sdk(action, &error)),
            (None, Ok(_)) => Err(CallError::unreadable(action, "it is empty")),
        }
    }

    /// The answer as a noun.
    pub fn answer<T: DeserializeOwned, O, E>(
        &self,
        action: &'static str,
        sent: Result<O, SdkError<E, HttpResponse>>,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        read(action, self.document(action, sent)?)
    }
}

/// A document, or a part of one, as a noun. `null` means the same as absent.
pub(super) fn read<T: DeserializeOwned>(action: &'static str, mut document: Value) -> Result<T, CallError> {
    drop_nulls(&mut document);
    serde_json::from_value(document).map_err(|error| CallError::unreadable(action, &error.to_string()))
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "the bytes on the wire"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = &self.body {
            let request = context.request_mut();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body.as_ref());
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if response.status().is_success()
            && let Some(bytes) = response.body().bytes()
        {
            *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.to_vec());
        }
        Ok(())
    }
}
