//! The agent's sign of life (check `agent`): monitors without data rest on it.

use async_trait::async_trait;
use galgo_core::check::CheckStatus;

use super::collector::tagged;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct Agent;

pub(super) fn make(instance: &Instance, _: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    Ok(tagged(instance, Agent))
}

#[async_trait]
impl Check for Agent {
    fn version(&self) -> String {
        crate::VERSION.to_owned()
    }

    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        out.gauge("datadog.agent.running", 1.0, &[format!("version:{}", crate::VERSION)]);
        out.service_check("datadog.agent.up", CheckStatus::Ok, &[], "");
        Ok(())
    }
}
