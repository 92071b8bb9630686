//! Tests of restarts: when a child is replaced, and when the root gives up.

use tokio::time::{sleep, timeout};

use super::*;

const SOON: Duration = Duration::from_secs(30);

/// A child that fails on request.
struct Fragile(Arc<ActorCounters>);

impl Actor for Fragile {
    type Msg = Timed<bool>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, message: Self::Msg, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let (fails, _busy) = message.open(&self.0);
        if fails { Err("it was told to fail".into()) } else { Ok(()) }
    }
}

/// A root with one fragile child.
struct World {
    child: Slot<bool>,
    health: Arc<Health>,
    fatal: oneshot::Receiver<Fatal>,
    _root: ActorRef<Timed<RootMsg>>,
}

impl World {
    async fn new() -> Self {
        let health = Arc::new(Health::default());
        let child = Slot::new(health.stats(ActorKind::Janitor).clone());
        let children = vec![Child::new(ActorKind::Janitor, child.clone(), Fragile, ())];
        let (root, fatal) = start_root(children, health.clone()).await.unwrap();
        Self { child, health, fatal, _root: root }
    }

    /// Makes the child fail, and waits until the root has noticed.
    async fn fail(&self) {
        let before = self.health.failures();
        self.child.cast(true);
        let failed = async {
            while self.health.failures() == before {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON, failed).await.unwrap();
    }

    fn is_alive(&self) -> bool {
        self.health.snapshot(ActorKind::Janitor).alive == 1
    }

    async fn is_replaced(&self) -> bool {
        let alive = async {
            while !self.is_alive() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(10), alive).await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_is_replaced_in_its_place() {
    let world = World::new().await;
    assert!(world.is_alive());
    world.fail().await;
    let failed = world.health.snapshot(ActorKind::Janitor);
    assert_eq!((failed.restarts, failed.last_error.unwrap().text.as_str()), (1, "it was told to fail"));
    assert!(world.is_replaced().await);
    let handled = world.health.snapshot(ActorKind::Janitor).handled;
    world.child.cast(false);
    let answered = async {
        while world.health.snapshot(ActorKind::Janitor).handled == handled {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, answered).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_again_and_again_ends_the_server() {
    let mut world = World::new().await;
    for _ in 0..MAX_RESTARTS {
        world.fail().await;
        assert!(world.is_replaced().await);
    }
    assert!(world.fatal.try_recv().is_err(), "so far it may be bad luck");
    world.fail().await;
    let fatal = timeout(SOON, &mut world.fatal).await.unwrap().unwrap();
    assert_eq!(fatal.to_string(), "the janitor actor failed again and again: giving up");
}

#[tokio::test(start_paused = true)]
async fn during_a_drain_no_child_is_replaced() {
    let world = World::new().await;
    world.health.begin_drain();
    world.fail().await;
    assert!(!world.is_replaced().await);
}
