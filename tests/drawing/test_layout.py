from libtilt.drawing.layout import Layout


def test_panels_share_the_width_by_their_aspects_with_a_gap_of_four_pixels():
    layout = Layout((1.0, 2.0))
    assert layout.sizes(94) == (30, (30, 60))
    assert layout.picture_shape(94) == (30, 94)
    assert layout.width_of(30) == 94
