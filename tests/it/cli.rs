//! The command line as a user meets it: the help, and what wrong arguments are answered with.

use std::process::{Command, Output};

use insta::assert_snapshot;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ecs-operator"))
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn help(arguments: &[&str]) -> String {
    let output = run(arguments, &[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The help is the reference of the flags: a change of it is a change of the product.
#[test]
fn the_help_says_what_there_is() {
    assert_snapshot!("help", help(&["--help"]));
    assert_snapshot!("help_run", help(&["run", "--help"]));
    assert_snapshot!("help_crds", help(&["crds", "--help"]));
}

/// In a Deployment settings come as environment variables: each flag has one, and says which.
#[test]
fn each_flag_of_run_has_an_environment_variable() {
    let text = help(&["run", "--help"]);
    let flags = text.lines().filter(|line| line.trim_start().starts_with("--")).count();
    assert!(flags >= 8, "{text}");
    assert_eq!(text.matches("[env: ECS_OPERATOR_").count(), flags, "{text}");
}

/// A wrong value must be refused at the start with what is allowed, not obeyed in some way of its own.
#[test]
fn wrong_values_are_refused_with_what_is_allowed() {
    let mut said = String::new();
    for arguments in [
        "walk",
        "run --speed 3",
        "run --sweep-seconds 0",
        "run --rolling-sweep-seconds soon",
        "run --concurrency 0",
        "run --concurrency many",
        "run --log-format xml",
        "run --log-level info,kube=loud",
        "run --log-level loud",
        "run --region Ireland",
        "run --region eu-west-1a",
        "run --installation-id team/one",
        "run --namespace Web",
        "run --namespace web,",
        "crds --output /dev/null/here",
    ] {
        let output = run(&arguments.split(' ').collect::<Vec<_>>(), &[]);
        said += &told(arguments, &output);
    }
    let output = run(&["run"], &[("ECS_OPERATOR_CONCURRENCY", "0")]);
    said += &told("ECS_OPERATOR_CONCURRENCY=0 run", &output);
    assert_snapshot!("wrong_values", said);
}

/// The first thing a newcomer does is to run it without a cluster.
#[test]
fn without_a_kubeconfig_it_says_so_and_ends() {
    let mut said = told("run", &run(&["run"], &[]));
    said += &told("KUBECONFIG=/nonexistent/config run", &run(&["run"], &[("KUBECONFIG", "/nonexistent/config")]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    for (name, text) in [("half a file", "clusters: ["), ("an empty file", "")] {
        std::fs::write(&file, text).unwrap();
        said += &told(&format!("KUBECONFIG={name} run"), &run(&["run"], &[("KUBECONFIG", file.to_str().unwrap())]));
    }
    assert_snapshot!("no_kubeconfig", said);
}

/// The command, how it ended and the first paragraph of what it said.
fn told(command: &str, output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().take_while(|line| !line.is_empty()).collect();
    let code = output.status.code().unwrap_or_default();
    assert!(code != 0 && !said.is_empty(), "{command}: {output:?}");
    format!("$ {command}\n{}\n(ended with {code})\n\n", said.join("\n"))
}
