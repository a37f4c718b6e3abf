//! The AWS account that an object is bound to, held against the one that the operator's credentials are of.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value, json};

use super::{Verdict, spec};
use crate::{
    api::{CommonStatus, Reason},
    ecs::{Live, Operation},
};

/// The account of the operator's credentials, by region.
#[derive(Debug, Default)]
pub struct Accounts {
    known: Mutex<HashMap<String, String>>,
}

impl Accounts {
    /// Before anything is written or given up: an object that is bound to another account would be made a second time
    /// here, and what it is bound to would be left behind.
    pub async fn check(&self, live: &Live, bound: &CommonStatus) -> Result<(), Verdict> {
        let (Some(region), Some(account)) = (&bound.region, &bound.account_id) else { return Ok(()) };
        self.hold_against(live, region, account, "This object is bound to").await
    }

    /// Before anything is looked at: the manifest names another account by an ARN, and what has the same name here is
    /// something else.
    pub async fn check_named(&self, live: &Live, region: &str, account: &str) -> Result<(), Verdict> {
        self.hold_against(live, region, account, "The manifest names, by an ARN,").await
    }

    async fn hold_against(&self, live: &Live, region: &str, account: &str, who: &str) -> Result<(), Verdict> {
        match self.of(live, region).await {
            Some(ours) if ours != account => Err(Verdict::stalled(
                Reason::AccessDenied,
                format!(
                    "{who} AWS account {account}, and the operator's credentials are of account {ours}; nothing is done. Give \
                     the operator credentials of {account}."
                ),
            )),
            _ => Ok(()),
        }
    }

    /// `None` where it can't be learnt: then the calls themselves must tell.
    async fn of(&self, live: &Live, region: &str) -> Option<String> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(region) {
            return Some(known.clone());
        }
        let input = Map::from_iter([("effectiveSettings".to_owned(), json!(true))]);
        let answer = live.regions().ecs(region).call(Operation::ListAccountSettings, &input).await;
        let answer = answer.inspect_err(|error| tracing::warn!(%error, "the AWS account can't be learnt")).ok()?;
        let account = answer.pointer("/settings/0/principalArn").and_then(Value::as_str).and_then(spec::account)?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned(), account.clone());
        Some(account)
    }
}
