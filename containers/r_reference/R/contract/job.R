# The loop of a job: one record per item, whole or absent, whatever happens. Exit status: 0 every item has a record;
# 2 the request is wrong; 3 the environment is.

CONTRACT <- "1.2"

# process: function(item, parameters, result) that fills the result of one item. Returns the exit status.
run_job <- function(request, spec, process) {
  log <- open_log(request$output)
  on.exit(close(log))
  say <- function(...) { writeLines(gsub("\n *", " ", to_json(list(...))), log); flush(log) }
  say(event = "start", stage = spec$name, version = spec$version, contract = CONTRACT, items = length(request$items))
  for (item in request$items) {
    folder <- partial_folder(request$output, item$id)
    withCallingHandlers(
      record <- run_item(item, request, spec, process, folder, say),
      error = function(e) unlink(folder, recursive = TRUE)
    )
    put_in_place(folder, request$output, item$id)
    if (is.null(record$error)) say(event = "item", item = item$id, status = "ok")
    else say(event = "item", item = item$id, status = "error", error = record$error)
  }
  say(event = "end")
  0L
}

open_log <- function(output) {
  dir.create(output, recursive = TRUE, showWarnings = FALSE)
  log <- suppressWarnings(tryCatch(file(file.path(output, "job.log"), "ab"), error = function(e) NULL))
  if (is.null(log)) unwritable("output folder")
  log
}

# The record of one item, written into `folder` last. A file that cannot be written is the environment's fault.
run_item <- function(item, request, spec, process, folder, say) {
  start <- proc.time()[["elapsed"]]
  result <- new_result(folder, spec)
  hashes <- list()
  fault <- tryCatch({
    for (name in names(item$inputs)) {
      where <- sprintf("input %s", name)
      if (!file.exists(item$inputs[[name]])) item_fault("does not exist", where, "check the path")
      if (dir.exists(item$inputs[[name]])) item_fault("is a folder", where, "give a file")
      hashes[[name]] <- sha256_file(item$inputs[[name]])
    }
    process(item, request$parameters, result)
    outputs <- output_entries(result)
    NULL
  }, error = function(e) as_fault(e))
  if (!is.null(fault)) {
    if (fault$kind == "internal") say(event = "error", item = item$id, text = fault$message)
    unlink(list.files(folder, full.names = TRUE, all.files = TRUE, no.. = TRUE))
  }
  failed <- !is.null(fault)
  record <- list(
    contract = CONTRACT, stage = list(name = spec$name, version = spec$version), item = item$id,
    status = if (failed) "error" else "ok",
    outputs = if (failed) empty_object() else outputs,
    metrics = if (failed) empty_object() else as_object(result$metrics),
    details = if (failed) empty_object() else as_object(result$details),
    warnings = as_array(result$warnings),
    error = if (failed) fault[c("kind", "what", "where", "fix")],
    inputs = as_object(hashes), facts = empty_object(), parameters = as_object(request$parameters),
    seed = request$seed)
  seconds <- proc.time()[["elapsed"]] - start
  written <- tryCatch({
    write_json(file.path(folder, "timing.json"),
               list(seconds = list(total = seconds), peak_memory_bytes = peak_memory()))
    write_json(file.path(folder, "record.json"), record)
    TRUE
  }, error = function(e) FALSE)
  if (!written) unwritable(paste("item", item$id))
  record
}

# Peak resident memory of this process in bytes; 0 where the system does not say.
peak_memory <- function() {
  lines <- tryCatch(readLines("/proc/self/status"), error = function(e) character(), warning = function(w) character())
  kib <- as.numeric(sub("\\D*(\\d+).*", "\\1", grep("^VmHWM:", lines, value = TRUE)))
  if (length(kib)) kib * 1024 else 0L
}
