"""The clicks of VISTA3DSegment as an effect of the host's Segment Editor."""
