"""Programs as they come: recognising what the bytes are, and reading ELF."""
