# ruff: noqa: ANN001, ANN201, ANN202, RUF005
# mypy: ignore-errors
"""The device code of blur_triton.py, in Triton's language, which type checkers do not understand.

Loops over ``tl.static_range`` are unrolled and tuples are registers. The arithmetic is explained in blur_plain.py.
"""

import triton
import triton.language as tl


@triton.jit
def _mirror(index, size):
    """Reflect an index beyond the border into the image, and keep those of idle lanes inside."""
    index = tl.where(index < 0, -index, index)
    index = tl.where(index >= size, 2 * (size - 1) - index, index)
    return tl.maximum(index, 0)


@triton.jit
def _multiplicity(index, offset, size):
    """Count how often the pixel ``index`` is read from ``_mirror(index + offset)``, along the rows' axis.

    Once inside. Beyond the border the mirrored source reads the pixel through its own mirror image, unless the
    pixel is the border itself, which has none; a source on the border reads it directly and through its mirror image.
    """
    source = index + offset
    edge = (index == 0) | (index == size - 1)
    outside = (source < 0) | (source > size - 1)
    border = ((source == 0) & (offset < 0)) | ((source == size - 1) & (offset > 0))
    return tl.where(outside, tl.where(edge, 0, 1), tl.where(border, tl.where(edge, 1, 2), 1))


@triton.jit
def _split(block, LANES: tl.constexpr):
    """Split (LANES, 4) into its four columns."""
    even, odd = tl.split(tl.reshape(block, (LANES, 2, 2)))
    first, third = tl.split(even)
    second, fourth = tl.split(odd)
    return first, second, third, fourth


@triton.jit
def _load_row(row, first, width, REACH: tl.constexpr, LANES: tl.constexpr, VECTORS: tl.constexpr, DTYPE: tl.constexpr):
    """Load each lane's four columns with REACH columns on both sides: a tuple of REACH + 4 + REACH tensors (LANES,)."""
    four = tl.arange(0, 4)[None, :]
    columns = ()
    for part in tl.static_range(0, 2 * REACH // 4 + 1):
        index = first[:, None] + (4 * part - REACH) + four
        if VECTORS:
            block = tl.load(row + index, mask=(index >= 0) & (index < width), other=0)
        else:
            block = tl.load(row + _mirror(index, width))
        columns = columns + _split(block.to(DTYPE), LANES)
    if VECTORS and REACH == 4:
        # The mirrored columns of the first and the last four columns are in the lane's own registers.
        begin, end = first == 0, first == width - 4
        columns = (
            tl.where(begin, columns[8], columns[0]), tl.where(begin, columns[7], columns[1]),
            tl.where(begin, columns[6], columns[2]), tl.where(begin, columns[5], columns[3]),
            columns[4], columns[5], columns[6], columns[7],
            tl.where(end, columns[6], columns[8]), tl.where(end, columns[5], columns[9]),
            tl.where(end, columns[4], columns[10]), tl.where(end, columns[3], columns[11]),
        )  # fmt: skip
    return columns


@triton.jit
def _store_row(row, first, width, values, LANES: tl.constexpr):
    """Store four columns a lane."""
    index = first[:, None] + tl.arange(0, 4)[None, :]
    block = tl.join(tl.join(values[0], values[2]), tl.join(values[1], values[3]))
    tl.store(row + index, tl.reshape(block, (LANES, 4)).to(row.dtype.element_ty), mask=index < width)


@triton.jit
def _powers(inverse_sigma, RADIUS: tl.constexpr):
    """Return q^(a²) for a = 0 ... RADIUS as a tuple."""
    q = tl.exp2(-0.7213475204444817 * inverse_sigma * inverse_sigma)  # exp(-x²/2), 0.72... = log2(e) / 2
    square = q * q
    power = tl.zeros_like(q) + 1
    powers = (power,)
    for a in tl.static_range(RADIUS):
        power = power * q if a > 0 else q
        q = q * square
        powers = powers + (power,)
    return powers


@triton.constexpr_function
def _distance(offset):
    return abs(offset)


@triton.jit
def _blur_pixel(window, sigma, AT: tl.constexpr, SPAN: tl.constexpr, RADIUS: tl.constexpr):
    """Blur the pixel at ``window[AT]``, rows SPAN apart, and differentiate by its inverse sigma."""
    powers = _powers(sigma, RADIUS)
    normal, moment = powers[0], tl.zeros_like(sigma)
    value, weighted = tl.zeros_like(sigma), tl.zeros_like(sigma)
    for a in tl.static_range(RADIUS + 1):
        inner, inner_weighted = window[AT - a * SPAN], tl.zeros_like(sigma)
        if a > 0:
            inner = inner + window[AT + a * SPAN]
            normal = normal + 2 * powers[a]
            moment = moment + 4 * a * a * powers[a]
        for b in tl.static_range(1, RADIUS + 1):
            pair = window[AT - a * SPAN - b] + window[AT - a * SPAN + b]
            if a > 0:
                pair = pair + (window[AT + a * SPAN - b] + window[AT + a * SPAN + b])
            inner = inner + powers[b] * pair
            inner_weighted = inner_weighted + (b * b * powers[b]) * pair
        value = value + powers[a] * inner
        weighted = weighted + powers[a] * (inner_weighted + a * a * inner)
    inverse = 1 / normal
    value = value * inverse * inverse
    return value, -sigma * (weighted * inverse * inverse - value * (moment * inverse))


@triton.jit
def _gather_pixel(
    for_edge, for_inner, powers, is_edge, AT: tl.constexpr, RADIUS: tl.constexpr, LANES: tl.constexpr,
    DTYPE: tl.constexpr,
):  # fmt: skip
    """Sum h p_|v| p_a over one source row, for every a: a tuple of RADIUS + 1 tensors (LANES,)."""
    gathered = ()
    for _ in tl.static_range(RADIUS + 1):
        gathered = gathered + (tl.zeros((LANES,), DTYPE),)
    for shift in tl.static_range(-RADIUS, RADIUS + 1):
        part = tl.where(is_edge, for_edge[AT + shift], for_inner[AT + shift])
        part = part * powers[(AT + shift) * (RADIUS + 1) + _distance(shift)]
        more = ()
        for a in tl.static_range(RADIUS + 1):
            more = more + (gathered[a] + part * powers[(AT + shift) * (RADIUS + 1) + a],)
        gathered = more
    return gathered


@triton.jit
def forward_kernel(
    images, inverse_sigma, out, slope, channels, height, width,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, LANES: tl.constexpr, VECTORS: tl.constexpr, SLOPE: tl.constexpr,
    DTYPE: tl.constexpr,
):  # fmt: skip
    REACH: tl.constexpr = (RADIUS + 3) // 4 * 4
    SPAN: tl.constexpr = 4 + 2 * REACH
    across, down = tl.cdiv(width, 4 * LANES), tl.cdiv(height, ROWS)
    program = tl.program_id(0)
    first = ((program % across) * LANES + tl.arange(0, LANES)) * 4
    top = (program // across) % down * ROWS
    plane = (program // (across * down)).to(tl.int64)
    image = images + plane * height * width
    sigmas = inverse_sigma + plane // channels * height * width
    window = ()
    for line in tl.static_range(ROWS + 2 * RADIUS):
        # Rows below the image's mirror images belong to no output.
        row = _mirror(tl.minimum(top + line - RADIUS, height - 1 + RADIUS), height)
        window = window + _load_row(image + row * width, first, width, REACH, LANES, VECTORS, DTYPE)
        if line >= 2 * RADIUS:
            centre = top + line - 2 * RADIUS
            inside = tl.minimum(centre, height - 1)
            four = first[:, None] + tl.arange(0, 4)[None, :]
            sigma = _split(tl.load(sigmas + inside * width + four, mask=four < width, other=0).to(DTYPE), LANES)
            values, slopes = (), ()
            for pixel in tl.static_range(4):
                value, change = _blur_pixel(window, sigma[pixel], (line - RADIUS) * SPAN + REACH + pixel, SPAN, RADIUS)
                values = values + (value,)
                slopes = slopes + (change,)
            target = plane * height * width + centre * width
            limit = tl.where(centre < height, width, 0)
            _store_row(out + target, first, limit, values, LANES)
            if SLOPE:
                _store_row(slope + target, first, limit, slopes, LANES)


@triton.jit
def backward_images_kernel(
    grad, inverse_sigma, out, channels, height, width,
    RADIUS: tl.constexpr, ROWS: tl.constexpr, LANES: tl.constexpr, VECTORS: tl.constexpr, GROUP: tl.constexpr,
    DTYPE: tl.constexpr,
):  # fmt: skip
    REACH: tl.constexpr = (RADIUS + 3) // 4 * 4
    SPAN: tl.constexpr = 4 + 2 * REACH
    OPEN: tl.constexpr = 2 * RADIUS + 1
    across, down = tl.cdiv(width, 4 * LANES), tl.cdiv(height, ROWS)
    program = tl.program_id(0)
    first = ((program % across) * LANES + tl.arange(0, LANES)) * 4
    top = (program // across) % down * ROWS
    group = (program // (across * down)).to(tl.int64)
    size = height * width
    sigmas = inverse_sigma + group // (channels // GROUP) * size
    # Sums of the rows that still wait for sources: per channel, the target row "line - RADIUS" first, four columns.
    sums = ()
    for _ in tl.static_range(4 * OPEN * GROUP):
        sums = sums + (tl.zeros((LANES,), DTYPE),)
    for line in range(top - RADIUS, tl.minimum(top + ROWS, height) + RADIUS):
        row = _mirror(line, height) * width
        sigma = _load_row(sigmas + row, first, width, REACH, LANES, VECTORS, DTYPE)
        powers, inverses = (), ()
        for column in tl.static_range(SPAN):
            power = _powers(sigma[column], RADIUS)
            normal = power[0]
            for a in tl.static_range(1, RADIUS + 1):
                normal = normal + 2 * power[a]
            powers = powers + power
            inverses = inverses + (1 / (normal * normal),)
        limit = tl.where(line - RADIUS >= top, width, 0)
        rotated = ()
        for channel in tl.static_range(GROUP):
            plane = (group * GROUP + channel) * size
            scaled = _load_row(grad + plane + row, first, width, REACH, LANES, VECTORS, DTYPE)
            # The multiplicity along the columns, in two versions: for a pixel on the border, and for any other.
            for_edge, for_inner = (), ()
            for column in tl.static_range(SPAN):
                index = first + (column - REACH)
                share = scaled[column] * inverses[column]
                for_edge = for_edge + (tl.where((index < 0) | (index > width - 1), 0.0, share),)
                for_inner = for_inner + (tl.where((index == 0) | (index == width - 1), 2 * share, share),)
            added = ()
            for pixel in tl.static_range(4):
                is_edge = (first + pixel == 0) | (first + pixel == width - 1)
                added = added + _gather_pixel(for_edge, for_inner, powers, is_edge, REACH + pixel, RADIUS, LANES, DTYPE)
            updated = ()
            for waiting in tl.static_range(OPEN):
                times = _multiplicity(line - RADIUS + waiting, RADIUS - waiting, height).to(DTYPE)
                for pixel in tl.static_range(4):
                    updated = updated + (
                        sums[(channel * OPEN + waiting) * 4 + pixel]
                        + times * added[pixel * (RADIUS + 1) + _distance(RADIUS - waiting)],
                    )
            _store_row(out + plane + (line - RADIUS) * width, first, limit, updated[:4], LANES)
            rotated = rotated + updated[4:]
            for _ in tl.static_range(4):
                rotated = rotated + (tl.zeros((LANES,), DTYPE),)
        sums = rotated


@triton.jit
def backward_map_kernel(grad, slope, out, channels, size, BLOCK: tl.constexpr, DTYPE: tl.constexpr):
    blocks = tl.cdiv(size, BLOCK)
    image = (tl.program_id(0) // blocks).to(tl.int64)
    index = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), DTYPE)
    for channel in range(channels):
        offset = (image * channels + channel) * size + index
        total += tl.load(grad + offset, mask=index < size, other=0).to(DTYPE) * tl.load(
            slope + offset, mask=index < size, other=0
        )
    tl.store(out + image * size + index, total, mask=index < size)
