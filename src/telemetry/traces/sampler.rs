//! Which traces are exported: a part of them, chosen at their beginning, and every span that ends in an error.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use super::{TracesError, variable};

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
/// The part of traces that is exported where the environment says nothing.
const RATIO: f64 = 0.01;

/// The sampler of the environment. What it drops is recorded all the same, and exported when it ends in an error.
#[derive(Clone, Debug)]
pub(super) struct ErrorsToo {
    inner: Sampler,
    /// Whether nothing at all is wanted.
    is_off: bool,
}

impl ErrorsToo {
    /// The sampler that the environment names: by default what a trusted proxy has decided, else one trace of 100.
    pub(super) fn from_environment() -> Result<Self, TracesError> {
        Self::named(variable(SAMPLER).as_deref(), variable(ARGUMENT).as_deref())
    }

    fn named(sampler: Option<&str>, argument: Option<&str>) -> Result<Self, TracesError> {
        let ratio = match argument {
            None => RATIO,
            Some(value) => {
                let ratio = value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
                let reason = "it must be a number from 0 to 1";
                ratio.ok_or_else(|| TracesError::Variable { name: ARGUMENT, value: value.to_owned(), reason })?
            }
        };
        let by_parent = |root| Sampler::ParentBased(Box::new(root));
        let inner = match sampler {
            None | Some("parentbased_traceidratio") => by_parent(Sampler::TraceIdRatioBased(ratio)),
            Some("traceidratio") => Sampler::TraceIdRatioBased(ratio),
            Some("parentbased_always_on") => by_parent(Sampler::AlwaysOn),
            Some("parentbased_always_off") => by_parent(Sampler::AlwaysOff),
            Some("always_on") => Sampler::AlwaysOn,
            Some("always_off") => Sampler::AlwaysOff,
            Some(value) => {
                let reason = "it must be always_on, always_off, traceidratio, or parentbased_ and one of these";
                return Err(TracesError::Variable { name: SAMPLER, value: value.to_owned(), reason });
            }
        };
        Ok(Self { is_off: matches!(inner, Sampler::AlwaysOff), inner })
    }
}

impl ShouldSample for ErrorsToo {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result = self.inner.should_sample(parent, trace, name, kind, attributes, links);
        if self.is_off || result.decision != SamplingDecision::Drop {
            return result;
        }
        // A batch has no parent. It belongs to the stories of its commands: one that is told is told to its end.
        let is_root = parent.is_none_or(|parent| !parent.span().span_context().is_valid());
        let is_told = is_root && links.iter().any(|link| link.span_context.is_sampled());
        result.decision = if is_told { SamplingDecision::RecordAndSample } else { SamplingDecision::RecordOnly };
        result
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};

    use super::*;

    fn context(flags: TraceFlags) -> SpanContext {
        SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, TraceState::default())
    }

    fn decision(sampler: &ErrorsToo, parent: Option<TraceFlags>, links: &[TraceFlags]) -> SamplingDecision {
        let parent = parent.map(|flags| Context::new().with_remote_span_context(context(flags)));
        let links: Vec<_> = links.iter().map(|flags| Link::with_context(context(*flags))).collect();
        // The greatest id is chosen by no ratio below 1.
        let trace = TraceId::from(u128::MAX);
        sampler.should_sample(parent.as_ref(), trace, "x", &SpanKind::Internal, &[], &links).decision
    }

    #[test]
    fn the_parent_decides_then_the_links_and_the_rest_waits_for_an_error() {
        const YES: TraceFlags = TraceFlags::SAMPLED;
        const NO: TraceFlags = TraceFlags::NOT_SAMPLED;
        let sampler = ErrorsToo::named(None, None).unwrap();
        for (parent, links, expected) in [
            (None, &[][..], SamplingDecision::RecordOnly),
            (None, &[NO, YES], SamplingDecision::RecordAndSample),
            (Some(YES), &[], SamplingDecision::RecordAndSample),
            (Some(NO), &[YES], SamplingDecision::RecordOnly),
        ] {
            assert_eq!(decision(&sampler, parent, links), expected, "{parent:?} {links:?}");
        }
        let off = ErrorsToo::named(Some("always_off"), None).unwrap();
        assert_eq!(decision(&off, None, &[YES]), SamplingDecision::Drop);
        let all = ErrorsToo::named(Some("traceidratio"), Some("1")).unwrap();
        assert_eq!(decision(&all, None, &[]), SamplingDecision::RecordAndSample);
    }

    #[test]
    fn a_sampler_that_is_not_known_and_a_ratio_that_is_none_are_refused() {
        for (sampler, argument) in [("jaeger_remote", "0.5"), ("traceidratio", "2"), ("traceidratio", "x")] {
            ErrorsToo::named(Some(sampler), Some(argument)).unwrap_err();
        }
    }
}
