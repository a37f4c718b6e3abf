//! The CRDs as files: what `crds/` holds is what the types say.

use std::{fs, path::PathBuf, process::Command};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("crds")
}

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ecs-operator")).arg("crds").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Who installs from the repository would get other fields than the operator they run knows.
#[test]
fn the_files_are_what_the_types_say() {
    let fresh = tempfile::tempdir().unwrap();
    printed(&["--output", fresh.path().to_str().unwrap()]);
    let names = |folder: &std::path::Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folder()), names(fresh.path()), "crds/ has other files than are written; run `make crds`");
    for name in names(fresh.path()) {
        let (kept, new) = (fs::read(folder().join(&name)).unwrap(), fs::read(fresh.path().join(&name)).unwrap());
        assert!(kept == new, "crds/{} is not what the types say; run `make crds`", name.display());
    }
}

/// `ecs-operator crds | kubectl apply -f -` must install what the files hold.
#[test]
fn what_is_printed_is_what_the_files_hold() {
    let mut files: Vec<String> =
        fs::read_dir(folder()).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let mut documents: Vec<String> =
        printed(&[]).split("---\n").filter(|text| !text.is_empty()).map(|text| format!("---\n{text}")).collect();
    files.sort();
    documents.sort();
    assert!(files == documents, "`ecs-operator crds` prints something else than crds/ holds; run `make crds`");
}
