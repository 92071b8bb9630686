//! Plain data of the product: ids, time stamps, account fields, messages. No I/O and no framework.

mod account;
mod address_rule;
mod audit;
mod command;
mod conversation;
mod cursor;
mod draft;
mod effect;
mod event;
mod franking;
mod ids;
mod invite;
mod known_network;
mod limiter;
mod login;
mod media;
mod message;
mod name_folding;
mod name_ngrams;
mod names;
mod network;
mod operator_token;
mod outcome;
mod password;
mod proof;
mod push;
mod record;
mod registration;
mod report;
mod second_factor;
mod timestamp;
mod user_name;
mod viewer;

pub use account::{AccountState, EmailAddress, Invalid, NewAccount, PublicKey, User};
pub use address_rule::{
    AddressRule, AddressRuleChange, Banned, MAX_RULE_REASON, NewAddressRule, NewBan, RuleAction, RuleScope, RuleSource,
    WhichRules,
};
pub use audit::{AuditActor, AuditEntry, AuditEvent, AuditFilter, NewAuditEntry};
pub use command::{AccountChange, Command, NewPassword, Settings};
pub use conversation::{Conversation, DirectKey};
pub use cursor::{Cursor, CursorError, Epoch, Position, ResetReason, Since};
pub use draft::{Acquaintance, Ciphertext, Draft, DraftError, MessageType, Objection, Once, SendLimits};
pub use effect::Effect;
pub use event::{Deletion, Event, EventBody, Receipt, ReceiptKind, Scope};
pub use franking::{FrankingKey, FrankingTag};
pub use ids::{ConversationId, InviteId, LoginId, MessageId, ReportId, Seq, SocketId, UserId};
pub use invite::{Invite, InviteCode, InviteState, InviteUse, NewInvite};
pub use known_network::{LoginOrigin, NetworkTags};
pub(crate) use limiter::limiter_table;
pub use limiter::{LimitRule, Limited, Limiter, LimiterKind};
pub use login::{LoginEnd, LoginMark, NewRefreshToken, WhichLogins};
pub use media::{Attachment, Media, MediaId, MediaQuota, MediaQuotaKind, MediaState, NewUpload};
pub use message::{ChatListEntry, Message};
pub use name_folding::{fold_name, name_key, search_key, searched};
pub use name_ngrams::{Gram, name_grams, text_grams};
pub use names::{ClientId, DeviceId};
pub use network::{AddressClass, ClientAddress, Network, NotANetwork};
pub use operator_token::{NewOperatorToken, OperatorScope, OperatorSecret, OperatorToken, OperatorTokenId};
pub use outcome::{Answer, Audience, BegunLogin, Outcome, Refusal, Stored};
pub use password::{Password, normal_password};
pub use proof::{Authority, Proof};
pub use push::{
    ApnsEnvironment, ApnsStyle, Attempted, Debt, LeaseEnd, LeasedTarget, MAX_TARGETS, NewTarget, Outbox, Owed,
    PushAddress, PushAttempt, PushOutcome, PushProvider, PushTarget, RegisteredTarget, Sent, TargetState, Urgency,
    Wake, WakeId,
};
pub(crate) use push::{DEBT_LASTS_S, GATHER_S, NORMAL_EVERY_S, SUSPENDED_S, UNANSWERED_S};
pub use record::{Record, RecordedEvent};
pub use registration::{Operator, RegistrationMode};
pub use report::{Attested, Disclosure, NewReport, Report, ReportDecision, ReportLevel, ReportReason, ReportState};
pub use second_factor::{
    CHALLENGE_S, CHALLENGE_TRIES, ENROLMENT_S, NewChallenge, RECOVERY_CODES, RightCode, SecondFactor,
};
pub use timestamp::{Timestamp, TimestampError};
pub use user_name::{NAMES_VERSION, Skeleton, UserName, login_keys, skeletons};
pub use viewer::Viewer;
