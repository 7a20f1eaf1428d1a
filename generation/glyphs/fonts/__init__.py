"""The vendored font pack: font files, their licence and `pack.json`, which says where each came from. Data only."""
