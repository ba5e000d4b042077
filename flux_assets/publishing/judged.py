"""What a channel's rules say of the pictures that it shows or could show, to be named to people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from flux_assets.publishing.current import ChannelRules
from flux_assets.publishing.edition import Picture
from flux_assets.publishing.edition_plan import CurrentProduct
from flux_assets.publishing.publish import Published
from flux_assets.publishing.rules import Finding, Verdict, worst_of

MOST_NAMED = 20
"""How many pictures are kept to be named that rules only warn of, which may be all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPicture:
    """A picture that does not keep all rules of a slot, and which it does not."""

    product_id: str
    slot: str
    picture: Picture
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """What they come to."""
        return worst_of(self.findings)

    @property
    def reasons(self) -> str:
        """Why it comes to that, with sources and dates."""
        return "; ".join(it.reason for it in self.findings if it.verdict == self.verdict)


@dataclass(slots=True)
class WarnedPictures:
    """How many pictures there are that rules warn of, by which, and the first of them."""

    count: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    first: list[JudgedPicture] = field(default_factory=list)

    def add(self, judged: JudgedPicture) -> None:
        """Count one more."""
        self.count += 1
        self.by_rule.update(it.rule.name for it in judged.findings)
        if len(self.first) < MOST_NAMED:
            self.first.append(judged)


def judge_current(
    products: Iterable[CurrentProduct], rules: ChannelRules
) -> tuple[tuple[JudgedPicture, ...], WarnedPictures]:
    """The current pictures that rules block in a slot, and those of which they warn."""
    blocked, warned = list[JudgedPicture](), WarnedPictures()
    for product in products:
        for (slot, _), picture in product.pictures.items():
            found = _judge(product.product_id, slot, picture, rules) if picture else None
            if found and found.verdict == "block":
                blocked.append(found)
            elif found:
                warned.add(found)
    return tuple(blocked), warned


def find_shown_blocked(
    published: Published, products: Sequence[CurrentProduct], rules: ChannelRules
) -> Iterator[JudgedPicture]:
    """What was shown before this run, and the rules block now: it has left, or stays all the same.

    It stays where the plan was not to be trusted.
    """
    for it in published.plan.withdrawn:
        if it.why == "blocked" and (left := _judge(it.product_id, it.slot, it.picture, rules)):
            yield left
    if published.problem is None or published.edition is None:
        return
    current = {it.product_id: it for it in products}
    for shown in published.edition.products.values():
        now = current.get(shown.product_id)
        measured = {it.identity: it for it in now.pictures.values() if it} if now else {}
        for showing in shown.showings:
            picture = measured.get(showing.picture.identity, showing.picture)
            found = _judge(shown.product_id, showing.slot, picture, rules)
            if found and found.verdict == "block":
                yield found


def _judge(
    product_id: str, slot: str, picture: Picture, rules: ChannelRules
) -> JudgedPicture | None:
    findings = rules.find(slot, picture)
    if not findings:
        return None
    return JudgedPicture(product_id=product_id, slot=slot, picture=picture, findings=findings)
