//! The commands of a batch, one kind after the other.

use crate::domain::{Command, Draft, LoginMark};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place};
use crate::storage::commands::deletions::Deletions;
use crate::storage::commands::lookup::LookedUp;
use crate::storage::commands::lookup::questions::Questions;
use crate::storage::commands::numbers::StoreRow;
use crate::storage::commands::receipts::merged::MergedReceipts;
use crate::storage::engine::tx::Transaction;

/// Commands that are next to each other and are carried out together.
#[derive(Default)]
struct Gathered {
    sends: Vec<(Place, Box<Draft>)>,
    receipts: MergedReceipts,
    deletions: Deletions,
    marks: Vec<LoginMark>,
}

/// Returns whether a command is carried out together with others next to it.
pub(super) fn is_gathered(command: &Command) -> bool {
    matches!(
        command,
        Command::Send(_)
            | Command::Read { .. }
            | Command::Delivered { .. }
            | Command::Delete { .. }
            | Command::Expire(_)
            | Command::MarkLogin(_)
    )
}

impl Batch<'_> {
    /// Returns what the first commands that are carried out together need to know and the cache lacks.
    fn questions_of(&mut self, commands: &[Command]) -> Questions {
        let together = || commands.iter().take_while(|command| is_gathered(command));
        let drafts = together().filter_map(|it| if let Command::Send(draft) = it { Some(&**draft) } else { None });
        let reads = together().filter_map(|command| match command {
            Command::Read { conversation, .. } => Some(*conversation),
            _ => None,
        });
        self.questions(&drafts.collect::<Vec<_>>(), reads)
    }

    /// Looks up what the first commands that are carried out together need to know, if that is possible already.
    pub(super) async fn look_up_for(&mut self, commands: &[Command]) -> Result<Option<LookedUp>, StorageError> {
        if matches!(self.tx, Transaction::Sqlite(_)) {
            return Ok(None);
        }
        let asked = self.questions_of(commands);
        self.look_up_early(asked).await
    }

    /// Returns that nothing need be looked up for these commands, if so, while the row is locked.
    pub(super) fn need_nothing(&mut self, row: &StoreRow, commands: &[Command]) -> Option<LookedUp> {
        self.cache.check(row.rules);
        self.questions_of(commands).rows().rows().is_empty().then(LookedUp::default)
    }

    pub(super) async fn run(
        &mut self,
        commands: Vec<Command>,
        mut early: Option<LookedUp>,
    ) -> Result<(), StorageError> {
        let mut gathered = Gathered { sends: Vec::with_capacity(commands.len()), ..Gathered::default() };
        for (place, command) in commands.into_iter().enumerate() {
            if !is_gathered(&command) {
                self.run_gathered(std::mem::take(&mut gathered), early.take(), false).await?;
            }
            // Rare commands are boxed: they would make the future of every batch as large as the largest of them.
            let outcome = match command {
                Command::Send(draft) => {
                    gathered.sends.push((place, draft));
                    continue;
                }
                Command::Read { user, conversation, up_to } => {
                    gathered.receipts.read(place, user, conversation, up_to);
                    continue;
                }
                Command::Delivered { user, up_to } => {
                    gathered.receipts.delivered(place, user, up_to);
                    continue;
                }
                Command::MarkLogin(mark) => {
                    gathered.marks.push(mark);
                    continue;
                }
                Command::Delete { user, id, scope } => {
                    gathered.deletions.delete(place, user, id, scope);
                    continue;
                }
                Command::Expire(id) => {
                    gathered.deletions.expire(place, id);
                    continue;
                }
                Command::Retain(before) => Box::pin(self.retain(place, before)).await?,
                Command::Block { user, other, blocked } => Box::pin(self.block(place, user, other, blocked)).await?,
                Command::SetKey { user, key, authority } => {
                    Box::pin(self.set_key(place, user, &key, &authority)).await?
                }
                Command::Configure { user, presence, read_receipts } => {
                    Box::pin(self.configure(user, presence, read_receipts)).await?
                }
                Command::DeleteAccount { user, proof, until } => {
                    Box::pin(self.delete_account(place, user, &proof, until)).await?
                }
                Command::EndLogins { user, which, asking, end } => {
                    Box::pin(self.end_logins(user, which, asking, end)).await?
                }
                Command::ChangePassword(change) => Box::pin(self.change_password(&change)).await?,
                Command::ControlAccount { user, change } => Box::pin(self.control_account(user, &change)).await?,
                Command::ChangeAddressRules(change) => Box::pin(self.change_address_rules(*change)).await?,
                Command::RegisterTarget(target) => Box::pin(self.register_target(place, *target)).await?,
                Command::RemoveTarget { user, device } => Box::pin(self.remove_target(user, &device)).await?,
            };
            self.finish(place, outcome);
        }
        self.run_gathered(gathered, early, true).await
    }

    /// Carries out commands together, `is_last` when none of the batch are behind them.
    async fn run_gathered(
        &mut self,
        gathered: Gathered,
        early: Option<LookedUp>,
        is_last: bool,
    ) -> Result<(), StorageError> {
        let Gathered { sends, receipts, deletions, marks } = gathered;
        let looked_up = if let Some(looked_up) = early {
            looked_up
        } else {
            let drafts: Vec<&Draft> = sends.iter().map(|(_, draft)| &**draft).collect();
            let asked = self.questions(&drafts, receipts.reads.keys().map(|(_, direct)| *direct));
            // What is looked up while others wait costs a round trip, which those of deletions then save.
            let is_late = !asked.rows().rows().is_empty();
            let saves = is_last && is_late && matches!(self.tx, Transaction::Postgres(_));
            self.at_commit = saves.then(Vec::new);
            self.look_up(asked).await?
        };
        self.sends(sends, looked_up).await?;
        self.receipts(receipts).await?;
        // Boxed, since it is rare.
        Box::pin(self.deletions(deletions)).await?;
        self.mark_logins(&marks).await
    }
}
