//! The program: arguments, configuration, logging, then the server until a signal.

mod cli;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use fluent_backend::config::Config;
use fluent_backend::{InheritedListeners, Server, telemetry};

use cli::{
    Args, ClientCommand, Command, ConfigCommand, MigrateCommand, ProgramCommand, ServerCommand, ServerSignal,
    ServerSignals, Starting, Supervised,
};

/// jemalloc gives memory back to the system after a wave of connections; glibc's arenas do not.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    // Before other threads run.
    let inherited = match &args.command {
        None | Some(Command::Server(ServerCommand::Serve)) => cli::inherited(),
        Some(_) => Ok(InheritedListeners::default()),
    };
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(run(args, inherited?)));
    match result {
        Ok(code) => code,
        Err(error) => {
            cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args, inherited: InheritedListeners) -> anyhow::Result<ExitCode> {
    match args.command.unwrap_or(Command::Server(ServerCommand::Serve)) {
        Command::Program(ProgramCommand::Completions { shell }) => {
            cli::completions(shell)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Program(ProgramCommand::Manual { to }) => {
            cli::manual(&to)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Client(ClientCommand::Demo(args)) => Box::pin(cli::demo(args)).await,
        Command::Client(ClientCommand::App(args)) => Box::pin(cli::app(args)).await,
        Command::Client(ClientCommand::Web { command }) => Box::pin(cli::web(command)).await,
        Command::Server(command) => Box::pin(run_on(args.config.as_deref(), command, inherited)).await,
    }
}

/// Runs a command about the server that the settings of a file and the environment are for.
async fn run_on(
    file: Option<&Path>,
    command: ServerCommand,
    inherited: InheritedListeners,
) -> anyhow::Result<ExitCode> {
    let config = Config::of_process(file)?;
    match command {
        ServerCommand::Serve => Box::pin(serve(config, inherited)).await,
        ServerCommand::Migrate { command: MigrateCommand::Up } => {
            cli::migrate_up(&config).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Migrate { command: MigrateCommand::Contract } => {
            Box::pin(cli::migrate_contract(&config)).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Migrate { command: MigrateCommand::Status } => {
            cli::migration_status(&config).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Database { command } => {
            cli::database(&config, command).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Backup { to } => {
            cli::backup(&config, &to).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Restore { from, force } => {
            Box::pin(cli::restore(&config, &from, force)).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::CopyDb { from, to, force } => {
            Box::pin(cli::copy_db(&config, from, to, force)).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Admin(args) => Box::pin(cli::admin(&config, args)).await,
        ServerCommand::Media { command } => Box::pin(cli::media(&config, command)).await,
        ServerCommand::Config { command: ConfigCommand::Show } => {
            cli::say(config.redacted_toml()?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Config { command: ConfigCommand::Check } => {
            cli::check(&config).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Keys { command } => {
            Box::pin(cli::keys(&config, command)).await?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Push { command } => {
            cli::push(&config, &command)?;
            Ok(ExitCode::SUCCESS)
        }
        ServerCommand::Doctor(asked) => Box::pin(cli::doctor(&config, file, &asked)).await,
        ServerCommand::Healthcheck => cli::healthcheck(&config.admin.listen).await,
    }
}

/// Serves, and reports the reason of its end where its log lines are read.
async fn serve(config: Config, inherited: InheritedListeners) -> anyhow::Result<ExitCode> {
    let signals = ServerSignals::install()?;
    let format = config.log.format;
    let logging = telemetry::init_logging(&config.log).map_err(|error| anyhow::anyhow!("{error}"))?;
    let ended = Box::pin(serve_until_stopped(config, inherited, signals)).await;
    logging.finish().await;
    match ended {
        Err(error) if format.is_json() && tracing::enabled!(tracing::Level::ERROR) => {
            tracing::error!("{}", cli::one_line(&error));
            Ok(ExitCode::FAILURE)
        }
        ended => ended,
    }
}

async fn serve_until_stopped(
    config: Config,
    inherited: InheritedListeners,
    mut signals: ServerSignals,
) -> anyhow::Result<ExitCode> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let (database, format) = (cli::describe_database(&config)?, config.log.format);
    let starting = Starting::begin();
    let mut server = tokio::select! {
        started = Box::pin(Server::start_on(config, inherited)) => started?,
        () = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    drop(starting);
    cli::greet(&server, &database, format);
    let supervised = Supervised::begin(&server);
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                ServerSignal::Stop => break,
                ServerSignal::Reload => supervised.reload(&server).await,
            },
            ended = server.until_stop() => break ended?,
        }
    }
    tracing::info!("stopping: sockets are closed, messages are written; a second signal stops at once");
    cli::say_stopping(server.drain_window());
    tokio::select! {
        drained = server.drain() => drained?,
        () = signals.stop() => anyhow::bail!("stopped at once by a second signal"),
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
