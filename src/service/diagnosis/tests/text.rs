//! What is left of a text.

use crate::service::diagnosis::text::{folded, matches, normalized, shortened, without_numbers};

#[test]
fn patterns_are_found_in_their_order() {
    assert!(matches("cannotpull*timeout", &folded("CannotPullContainerError: i/o timeout")));
    assert!(!matches("timeout*cannotpull", &folded("CannotPullContainerError: i/o timeout")));
    assert!(matches("can't pull", &folded("The task can’t pull the image")));
}

#[test]
fn what_differs_from_task_to_task_is_left_out() {
    for (text, left) in [
        ("Host EC2 (instance i-0123456789abcdef0) terminated.", "Host EC2 (instance …) terminated."),
        ("read udp 10.0.1.23:49152->10.0.0.2:53: i/o timeout", "read udp …->…: i/o timeout"),
        ("dial tcp [2600:1f18:24::5]:443: connect", "dial tcp […]:443: connect"),
        ("at 2026-05-01T12:00:00.123Z\n\tfailed", "at … failed"),
        ("request id: 904a550f-206b-11e8-8e20-1363f96a7838", "request id: …"),
        ("RequestID: C1BGMVQ0A9SNSV1H, HostID: kQ3e+a/b=, api error", "RequestID: …, HostID: …, api error"),
        ("(deployment ecs-svc/1234567890123456789) failed", "(deployment ecs-svc/…) failed"),
        ("has been retried 5 time(s): not found", "has been retried … time(s): not found"),
        ("write /tmp/GetImageBlob111111111: no space", "write /tmp/GetImageBlob…: no space"),
        ("assumed-role/exec/d7795e52a4434edf80f4923f3b836d9f is", "assumed-role/exec/… is"),
        // The image, its tag and accounts are the same each time.
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.2.3.4-rc",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.2.3.4-rc",
        ),
        ("web:34683c0631c3cffa537e577e707abc79e7c653aa", "web:34683c0631c3cffa537e577e707abc79e7c653aa"),
        ("arn:aws:iam::123456789012:role/web", "arn:aws:iam::123456789012:role/web"),
    ] {
        assert_eq!(normalized(text), left);
    }
}

/// A signed URL opens its object to whoever reads the status.
#[test]
fn what_a_url_is_signed_with_is_left_out() {
    let text = "Get \"https://s3.eu-west-1.amazonaws.com/layer?X-Amz-Security-Token=secret&X-Amz-Signature=abc\": 403";
    assert_eq!(normalized(text), "Get \"https://s3.eu-west-1.amazonaws.com/layer…\": 403");
}

#[test]
fn numbers_are_left_out_but_for_codes_and_ports() {
    let text = "(port 8080) 2 tasks, 3 more: codes [502, 503] (port 49153)";
    assert_eq!(without_numbers(text), "(port 8080) … tasks, … more: codes [502, 503] (port …)");
}

#[test]
fn shortening_keeps_letters_whole() {
    assert_eq!(shortened("äöü", 3), "äöü");
    assert_eq!(shortened("äöüß", 3), "äö…");
    assert_eq!(normalized(""), "");
}
