"""`vaultpy demo`: the whole main job by the real code, between a simulated YubiKey and a simulated AWS."""
