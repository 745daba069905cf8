"""Whether servers say the same about a photo: a server that is fast and wrong is not measured."""
PIXELS = 2.0
SCORES = 0.01
SHARE = 0.95


class Disagreement(Exception):
    """What the two sides say."""


def _corners(detection):
    x, y, width, height = detection["box"]
    return x, y, x + width, y + height


def _is_same(left, right):
    return (left["class"] == right["class"] and abs(left["score"] - right["score"]) <= SCORES
            and all(abs(a - b) <= PIXELS for a, b in zip(_corners(left), _corners(right))))


def _count_matches(wanted, found):
    """Each box of `found` is used once."""
    free = list(found)
    for detection in wanted:
        match = next((other for other in free if _is_same(detection, other)), None)
        if match is not None:
            free.remove(match)
    return len(found) - len(free)


def check_detections(name, wanted, found):
    """wanted, found: answers. Returns a line that says how well they agree."""
    wanted, found = wanted["detections"], found["detections"]
    matches = _count_matches(wanted, found)
    if not wanted or matches < SHARE * max(len(wanted), len(found)):
        raise Disagreement(f"{name} finds {len(found)} boxes, 'slipway detect' {len(wanted)}; {matches} are the same")
    return f"{matches} of {len(wanted)} boxes the same"


def check_classes(name, wanted, found):
    wanted, found = wanted["classes"][0], found["classes"][0]
    if wanted["class"] != found["class"] or abs(wanted["score"] - found["score"]) > SCORES:
        raise Disagreement(f"{name}: best class {found['class']} of {found['score']:.4f}, "
                           f"'slipway classify': {wanted['class']} of {wanted['score']:.4f}")
    return f"class {wanted['class']} best"
