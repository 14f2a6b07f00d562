//! Several processes work on one PostgreSQL database. One of them is killed, and the server itself is stopped in the
//! middle as by a power cut; nothing that was acknowledged is lost.

use crate::clock;
use crate::process::Process;
use crate::settings;
use crate::trial::Trial;
use counterpart_test_postgres::TestCluster;
use std::time::Duration;

const PROCESSES: usize = 3;
const SENDERS: u64 = 3;
/// What a crash of the server leaves in doubt depends on the moment: one round alone would seldom meet it.
const ROUNDS: u64 = 3;
/// How many deliveries are acknowledged between two blows.
const BETWEEN: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_survive_the_loss_of_one_and_of_the_server() {
    let _turn = settings::turn().await;
    let proof = "several workers";
    let Some(postgres) = TestCluster::for_test(proof) else { return };
    let dice = settings::dice(proof);
    let trial = Trial::new(proof, SENDERS, &dice, Some(postgres.url())).await;
    let launch = trial.launch().with("--lease-s", "2");
    let mut processes: Vec<Process> = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(launch.start().await);
    }
    trial.connect(&processes[0]).await;
    aim(&trial, &processes);
    trial.acknowledged(BETWEEN).await;

    let (mut choice, rounds) = (dice.apart(2), ROUNDS * settings::times_longer());
    for _ in 0..rounds {
        // One dies; the others take over what it held.
        let dying = processes.remove(choice.below(PROCESSES as u64) as usize);
        aim(&trial, &processes);
        dying.kill();
        trial.acknowledged(BETWEEN).await;
        processes.push(launch.start().await);
        aim(&trial, &processes);
        trial.acknowledged(BETWEEN).await;

        // The server dies under all of them, and comes back.
        postgres.stop_immediate();
        clock::pause(Duration::from_millis(500)).await;
        assert_all_run(&mut processes);
        postgres.start_again();
        trial.acknowledged(BETWEEN).await;
        assert_all_run(&mut processes);
    }
    let summary = format!("{PROCESSES} processes, {rounds} killed, {rounds} immediate stops of the server");
    trial.judge(&processes[0], &summary).await;
}

fn assert_all_run(processes: &mut [Process]) {
    for process in processes {
        assert!(!process.has_ended(), "it does not outlive its database: {}", process.log());
    }
}

fn aim(trial: &Trial, processes: &[Process]) {
    trial.load.aim(&processes.iter().map(Process::url).collect::<Vec<_>>());
}
