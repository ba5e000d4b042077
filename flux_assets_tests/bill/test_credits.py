from flux_assets.bill.credits import AccountCredits, CreditSpan
from flux_assets.image_api.protocol import Credits


def test_credits_are_told_from_the_first_reply_to_the_last() -> None:
    account = AccountCredits()
    account.note(None)
    assert account.span is None
    for used in (1_000, 3_000, 2_000):  # replies come in any order
        account.note(Credits(used=used, limit=10_000))
    account.note(None)
    assert account.span == CreditSpan(before=9_000, after=7_000)
