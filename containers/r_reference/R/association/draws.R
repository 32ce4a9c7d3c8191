# Bootstrap draws: the rows that a resample takes, the same as the stage `association` takes for the same seed, so that
# optimism and calibration can be compared number by number.
#
# The generator is the published one behind numpy's default_rng([seed, number]).integers(0, n, n): O'Neill's
# SeedSequence hash, PCG64 (XSL-RR 128/64), and Lemire's bounded integers (ACM TOMACS 29:3, 2019) on its 32-bit halves.
# Numbers of 128 bits are eight limbs of 16 bits, the lowest first, in doubles, so that every product and sum is exact.

LIMB <- 65536
PCG_MULTIPLIER <- c(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360)
MOST_ROWS <- 2^21

# 32-bit arithmetic in doubles.
low32 <- function(x) x %% 2^32
times32 <- function(a, b) low32((a %/% LIMB * b) %% LIMB * LIMB + a %% LIMB * b)
xor32 <- function(a, b) bitwXor(a %/% LIMB, b %/% LIMB) * LIMB + bitwXor(a %% LIMB, b %% LIMB)
fold32 <- function(a) xor32(a, a %/% LIMB)

# Eight 32-bit words of SeedSequence(entropy); entropy: whole numbers below 2^53.
seed_words <- function(entropy) {
  words <- unlist(lapply(entropy, function(value) {
    if (value < 2^32) value else c(low32(value), value %/% 2^32)
  }))
  constant <- 0x43b0d7e5
  hashed <- function(value) {
    value <- xor32(value, constant)
    constant <<- times32(constant, 0x931e8875)
    fold32(times32(value, constant))
  }
  mixed <- function(x, y) fold32(low32(times32(0xca01f9dd, x) - times32(0x4973f715, y)))
  pool <- vapply(1:4, function(i) hashed(if (i <= length(words)) words[i] else 0), 0)
  for (source in 1:4) for (target in setdiff(1:4, source)) pool[target] <- mixed(pool[target], hashed(pool[source]))
  for (word in words[-(1:4)]) for (target in 1:4) pool[target] <- mixed(pool[target], hashed(word))
  constant <- 0x8b51f9dd
  vapply(rep(pool, 2L), function(value) {
    value <- xor32(value, constant)
    constant <<- times32(constant, 0x58f38ded)
    fold32(times32(value, constant))
  }, 0, USE.NAMES = FALSE)
}

# Limbs of 128-bit numbers (8 rows, one number a column), carried.
carried <- function(limbs) {
  for (i in 1:7) {
    limbs[i + 1L, ] <- limbs[i + 1L, ] + limbs[i, ] %/% LIMB
    limbs[i, ] <- limbs[i, ] %% LIMB
  }
  limbs[8L, ] <- limbs[8L, ] %% LIMB
  limbs
}

# Each column of x times the number a, plus the number c.
times_plus <- function(x, a, c) {
  product <- matrix(c, 8L, ncol(x))
  for (i in 1:8) for (j in seq_len(9L - i)) product[i + j - 1L, ] <- product[i + j - 1L, ] + x[i, ] * a[j]
  carried(product)
}

# The first `count` 64-bit outputs as limbs (4 rows).
pcg64 <- function(entropy, count) {
  words <- seed_words(entropy)
  halves <- function(word) c(word %% LIMB, word %/% LIMB)
  # Words come as four 64-bit numbers, low half first; a 128-bit number has its high 64 bits first.
  number <- function(i) matrix(unlist(lapply(words[c(i + 2L, i + 3L, i, i + 1L)], halves)), 8L)
  increment <- carried(2 * number(5L) + c(1, rep(0, 7)))
  state <- times_plus(carried(increment + number(1L)), PCG_MULTIPLIER, increment)
  states <- times_plus(state, PCG_MULTIPLIER, increment)
  jump <- PCG_MULTIPLIER
  shift <- increment
  while (ncol(states) < count) {
    states <- cbind(states, times_plus(states, jump, shift))
    shift <- times_plus(shift, jump, shift)
    jump <- times_plus(matrix(jump, 8L), jump, numeric(8L))[, 1L]
  }
  states <- states[, seq_len(count), drop = FALSE]
  folded <- matrix(bitwXor(states[1:4, ], states[5:8, ]), 4L)
  turn <- states[8L, ] %/% 1024
  whole <- turn %/% 16
  part <- 2^(turn %% 16)
  t(vapply(0:3, function(limb) {
    here <- folded[cbind((limb + whole) %% 4 + 1, seq_len(count))]
    above <- folded[cbind((limb + whole + 1) %% 4 + 1, seq_len(count))]
    here %/% part + (above * (LIMB / part)) %% LIMB
  }, numeric(count)))
}

# Rows (1 to n) of resample `number`, from 0.
draw_rows <- function(seed, number, n) {
  if (n >= MOST_ROWS) stop("draws are exact for fewer than 2^21 rows")
  count <- n %/% 2 + 64
  repeat {
    limbs <- pcg64(c(seed, number), count)
    words <- as.vector(rbind(limbs[1L, ] + LIMB * limbs[2L, ], limbs[3L, ] + LIMB * limbs[4L, ]))
    scaled <- words * n
    rows <- (scaled %/% 2^32)[scaled %% 2^32 >= 2^32 %% n]
    if (length(rows) >= n) return(rows[seq_len(n)] + 1)
    count <- 2 * count
  }
}
