//! `ecs-operator`: arguments, then one call.
fn main() {
    for crd in ecs_operator::api::crd::all().unwrap() { println!("{}", serde_saphyr::to_string(&crd).unwrap()); }
}
