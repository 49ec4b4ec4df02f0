"""Owns the names of extensions that are recognised and not executed, for `inspect` and SIGILL.

Programs hold them in variants that the C library's IFUNCs choose only where HWCAP announces the
feature, which ours does not.
"""

from __future__ import annotations

from typing import Final

from wherever.isa.instruction import Group

__all__ = ["group"]

group: Group = Group("Extensions known by name", "Arm ARM C4.1")

_X25: Final = "x" * 25
_KNOWN: Final = (
    # name, feature, diagram
    ("sve", "FEAT_SVE", f"xxx 0010 {_X25}"),
    ("sme", "FEAT_SME", f"1xx 0000 {_X25}"),
    ("stg", "FEAT_MTE", "11011001 xx 1 xxxxxxxxx xx xxxxx xxxxx"),
    ("irg", "FEAT_MTE", "1 00 11010110 xxxxx 00010x xxxxx xxxxx"),
    ("subp", "FEAT_MTE", "1 0x 11010110 xxxxx 000000 xxxxx xxxxx"),
    ("addg", "FEAT_MTE", "1 x0 100011 0 xxxxxx 00 xxxx xxxxx xxxxx"),
    ("dc gva", "FEAT_MTE", "1101010100 0 01 011 0111 0100 011 xxxxx"),
    ("dc gzva", "FEAT_MTE", "1101010100 0 01 011 0111 0100 100 xxxxx"),
    ("cpy", "FEAT_MOPS", "00 011 x 01 xx 0 xxxxx xxxx 01 xxxxx xxxxx"),
    ("ldapur", "FEAT_LRCPC2", "xx 011001 xx 0 xxxxxxxxx 00 xxxxx xxxxx"),
    ("rmif", "FEAT_FlagM", "10111010000 xxxxxx 00001 xxxxx 0 xxxx"),
    ("setf", "FEAT_FlagM", "00111010000 000000 x 0010 xxxxx 01101"),
    ("cfinv", "FEAT_FlagM", "1101010100 0 00 000 0100 xxxx 000 11111"),
    ("axflag", "FEAT_FlagM2", "1101010100 0 00 000 0100 xxxx 01x 11111"),
    ("pacia", "FEAT_PAuth", "1 10 11010110 00001 xxxxxx xxxxx xxxxx"),
    ("pacga", "FEAT_PAuth", "1 00 11010110 xxxxx 001100 xxxxx xxxxx"),
    ("braa", "FEAT_PAuth", "1101011 x 0 xx 11111 0000 1x xxxxx xxxxx"),
    ("ldraa", "FEAT_PAuth", "11 111 0 00 x x 1 xxxxxxxxx x 1 xxxxx xxxxx"),
    (
        "sha512, sha3, sm3, sm4",
        "FEAT_SHA512, FEAT_SHA3, FEAT_SM3, FEAT_SM4",
        "11001110 " + "x" * 24,
    ),
    ("sqrdmlah", "FEAT_RDM", "0 x 1 01110 xx 0 xxxxx 1 000x 1 xxxxx xxxxx"),
    ("sqrdmlah", "FEAT_RDM", "01 1 11110 xx 0 xxxxx 1 000x 1 xxxxx xxxxx"),
    ("sqrdmlah", "FEAT_RDM", "0 x 1 01111 xx xx xxxx 11x1 x 0 xxxxx xxxxx"),
    ("sqrdmlah", "FEAT_RDM", "01 1 11111 xx xx xxxx 11x1 x 0 xxxxx xxxxx"),
    ("sdot", "FEAT_DotProd", "0 x x 01110 xx 0 xxxxx 1 0010 1 xxxxx xxxxx"),
    ("sdot", "FEAT_DotProd", "0 x x 01111 xx xx xxxx 1110 x 0 xxxxx xxxxx"),
    ("usdot", "FEAT_I8MM, FEAT_BF16", "0 x 0 01110 xx 0 xxxxx 1 0011 1 xxxxx xxxxx"),
    ("usdot", "FEAT_I8MM, FEAT_BF16", "0 x 0 01111 xx xx xxxx 1111 x 0 xxxxx xxxxx"),
    ("smmla", "FEAT_I8MM, FEAT_BF16", "0 x x 01110 xx 0 xxxxx 1 010x 1 xxxxx xxxxx"),
    ("bfdot", "FEAT_BF16", "0 x 1 01110 xx 0 xxxxx 1 1111 1 xxxxx xxxxx"),
    ("bfmmla", "FEAT_BF16", "0 x 1 01110 xx 0 xxxxx 1 1101 1 xxxxx xxxxx"),
    ("fcmla", "FEAT_FCMA", "0 x 1 01110 xx 0 xxxxx 1 10xx 1 xxxxx xxxxx"),
    ("fcadd", "FEAT_FCMA", "0 x 1 01110 xx 0 xxxxx 1 11x0 1 xxxxx xxxxx"),
    ("fcmla", "FEAT_FCMA", "0 x 1 01111 xx xx xxxx 0xx1 x 0 xxxxx xxxxx"),
    ("bfcvtn", "FEAT_BF16", "0 x 0 01110 10 10000 10110 10 xxxxx xxxxx"),
    ("bfcvt", "FEAT_BF16", "00 0 11110 01 1 000110 10000 xxxxx xxxxx"),
    ("fjcvtzs", "FEAT_JSCVT", "0 00 11110 01 1 11 110 000000 xxxxx xxxxx"),
    ("frint32z", "FEAT_FRINTTS", "00 0 11110 0x 1 0100xx 10000 xxxxx xxxxx"),
    ("frint32z", "FEAT_FRINTTS", "0 x x 01110 0 x 10000 1111x 10 xxxxx xxxxx"),
    ("fmlal", "FEAT_FHM", "0 x 0 01110 x0 1 xxxxx 11101 1 xxxxx xxxxx"),
    ("fmlal", "FEAT_FHM", "0 x 1 01110 x0 1 xxxxx 11001 1 xxxxx xxxxx"),
    ("fmlal", "FEAT_FHM", "0 x 0 01111 10 xx xxxx 0x00 x 0 xxxxx xxxxx"),
    ("fmlal", "FEAT_FHM", "0 x 1 01111 10 xx xxxx 1x00 x 0 xxxxx xxxxx"),
    ("bc", "FEAT_HBC", "0101010 0 " + "x" * 19 + " 1 xxxx"),
    ("ldlar", "FEAT_LOR", "xx 001000 1 x 0 11111 0 11111 xxxxx xxxxx"),
    ("hvc", "privileged", "11010100 000 " + "x" * 16 + " 000 10"),
    ("smc", "privileged", "11010100 000 " + "x" * 16 + " 000 11"),
    ("dcps", "privileged", "11010100 101 " + "x" * 16 + " 000 xx"),
    # half precision: scalars, then vectors
    ("half precision", "FEAT_FP16", "01 0 11110 x0 11000 011xx 10 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x 0 01111 00 xx xxxx 0x01 x 0 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x x 01111 00 xx xxxx 1001 x 0 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "01 0 11111 00 xx xxxx 0x01 x 0 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "01 x 11111 00 xx xxxx 1001 x 0 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x x 011110 001x xxx 11100 1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x x 011110 001x xxx 11111 1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "01 x 111110 001x xxx 11100 1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "01 x 111110 001x xxx 11111 1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x 0 0111100000 xxx 1111 11 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "x 00 11110 11 1 xxxxx 000000 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "x 00 11110 11 0 xx xxx xxxxxx xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11110 11 1 0000xx 10000 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11110 11 1 001xxx 10000 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11110 11 1 xxxxx xx 1000 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11110 11 1 xxxxxxxx 100 00000 xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11110 11 1 xxxxx xxxx x1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11110 11 1 xxxxx xxxx 10 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "00 0 11111 11 x xxxxx x xxxxx xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x x 01110 x 10 xxxxx 00 xxx 1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "01 x 11110 x 10 xxxxx 00 xxx 1 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x x 01110 x 1 11100 xxxxx 10 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "01 x 11110 x 1 11100 xxxxx 10 xxxxx xxxxx"),
    ("half precision", "FEAT_FP16", "0 x 0 01110 x 0 11000 011xx 10 xxxxx xxxxx"),
)

for _name, _feature, _diagram in _KNOWN:
    group.named_only(_diagram, name=_name, feature=_feature)
