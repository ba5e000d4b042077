"""Which network addresses a stranger's link may lead to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; the network-specific 64:ff9b:1::/48 is private
_NOT_PUBLIC_V4 = (
    IPv4Network("168.63.129.16/32"),  # Azure's own host, from inside its machines only
    IPv4Network("192.0.0.0/24"),  # RFC 6890, IETF's own
    IPv4Network("192.88.99.0/24"),  # RFC 7526, once the relays of 6to4
)
_NOT_IN_USE = (
    IPv6Network("2001::/23"),  # IETF's own, Teredo's tunnels (2001::/32) among them
    IPv6Network("2001:db8::/32"),  # RFC 3849, documentation
    IPv6Network("3fff::/20"),  # RFC 9637, documentation
)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could reach this IP address, and no machine of ours alone.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is as public as that; Teredo
    is not, for it leads through somebody's tunnel to a host behind a router.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    carried = _carried_v4(parsed)
    if carried is not None:
        return _is_public_v4(carried)
    in_use = parsed in _GLOBAL_UNICAST and not any(parsed in network for network in _NOT_IN_USE)
    return in_use and parsed.scope_id is None


def _is_public_v4(address: IPv4Address) -> bool:
    # is_global is False for private, loopback, link-local, shared (100.64.0.0/10), documentation
    # and reserved addresses, and True for some multicast ones.
    is_assigned = address.is_global and not address.is_multicast and not address.is_reserved
    return is_assigned and not any(address in network for network in _NOT_PUBLIC_V4)


def _carried_v4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
