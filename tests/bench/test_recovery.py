"""The simulated year tells one set of rules from another."""

from __future__ import annotations

import pytest

from bench import recovery
from bench.recovery import Rules, simulate

PAYERS = 500


def test_more_tries_recover_more_and_ask_and_write_more() -> None:
    none, usual = simulate(PAYERS, Rules(after_days=())), simulate(PAYERS, Rules())
    assert none.recovered < usual.recovered
    assert none.recovered_by_retry == 0
    assert none.mails < usual.mails
    assert usual.declined == usual.given_up + usual.recovered_by_retry + usual.recovered_by_card


def test_the_usual_rules_stay_within_the_networks_limits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert recovery.main(["--payers", str(PAYERS)]) == 0
    assert "recovered: " in capsys.readouterr().out
    assert recovery.main(["--payers", str(PAYERS), "--json"]) == 0
    assert '"payers": 500' in capsys.readouterr().out


def test_rules_beyond_the_limits_are_exit_code_1() -> None:
    often = ",".join(["1"] * 28)
    assert recovery.main(["--payers", "300", "--declined", "0.9", "--after-days", often]) == 1


def test_a_site_says_what_its_psp_tells_it() -> None:
    expired = {word: 0.0 for *_rest, word in recovery.REASONS} | {"expired_card": 1.0}
    nothing = simulate(PAYERS, Rules(shares=expired, mends=0))
    assert nothing.declined > 0
    assert nothing.recovered == 0
    everybody = simulate(PAYERS, Rules(shares=expired, mends=1))
    assert everybody.recovered_by_card == everybody.declined
    assert recovery.main(["--payers", "50", "--share", "expired_card=0.25", "--pays", "0.1"]) == 0
    with pytest.raises(SystemExit):
        recovery.main(["--share", "weather=0.5"])


def test_published_shares_add_up() -> None:
    assert sum(share for share, *_rest in recovery.REASONS) == pytest.approx(1)
