# Files that are whole or absent: an item's folder is filled under a hidden name and renamed.

write_bytes <- function(path, text) {
  stream <- file(path, "wb")
  on.exit(close(stream))
  writeBin(charToRaw(enc2utf8(text)), stream)
}

write_json <- function(path, value) write_bytes(path, paste0(to_json(value), "\n"))

sha256_file <- function(path) digest::digest(file = path, algo = "sha256")

# A file's bytes as UTF-8 text. Item fault when it is missing, a folder, or no UTF-8.
read_text <- function(path, where) {
  if (!file.exists(path)) item_fault("does not exist", where, "check the path")
  if (dir.exists(path)) item_fault("is a folder", where, "give a file")
  bytes <- tryCatch(readBin(path, "raw", file.size(path)), error = function(e) NULL, warning = function(w) NULL)
  if (is.null(bytes)) item_fault("cannot be read", where, "check the permissions of the file")
  if (length(bytes) >= 3L && identical(bytes[1:3], as.raw(c(0xef, 0xbb, 0xbf)))) bytes <- bytes[-(1:3)]
  text <- if (any(bytes == 0)) NA_character_ else rawToChar(bytes)
  if (is.na(text) || !validUTF8(text)) item_fault("is not text in UTF-8", where, "check the format and the encoding")
  Encoding(text) <- "UTF-8"
  text
}

# A new hidden folder in `output` for item `id`, open as far as the caller's umask says.
partial_folder <- function(output, id) {
  folder <- tempfile(paste0(".", id, "."), tmpdir = output, fileext = ".partial")
  if (!dir.create(folder, showWarnings = FALSE)) unwritable(paste("item", id))
  folder
}

# The partial folder takes the place of output/id. A rename cannot replace a folder that is not empty.
put_in_place <- function(folder, output, id) {
  place <- file.path(output, id)
  old <- NULL
  if (file.exists(place)) {
    old <- partial_folder(output, id)
    if (!rename_quietly(place, file.path(old, "old"))) unwritable(paste("item", id))
  }
  if (!rename_quietly(folder, place)) unwritable(paste("item", id))
  if (!is.null(old)) unlink(old, recursive = TRUE)
}

rename_quietly <- function(from, to) suppressWarnings(file.rename(from, to))

unwritable <- function(where) {
  environment_fault("cannot be written", where, "mount the output folder writable for this user, and free space")
}
