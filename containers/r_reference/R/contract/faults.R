# Faults, named by whose they are: the item's ("input"), the request's or the environment's.
# Each carries what is wrong, where, and how to fix it, every one on one line.

one_line <- function(text) trimws(gsub("\\s+", " ", paste(text, collapse = " ")))

new_fault <- function(kind, what, where, fix) {
  fault <- list(message = "", call = NULL, kind = kind, what = one_line(what), where = one_line(where),
                fix = one_line(fix))
  fault$message <- fault_line(fault)
  structure(fault, class = c("fault", "error", "condition"))
}

fault_line <- function(fault) {
  line <- if (nzchar(fault$where)) paste0(fault$where, ": ", fault$what) else fault$what
  if (nzchar(fault$fix)) paste0(line, "; ", fault$fix) else line
}

# The item's input cannot be processed: an error record, and the other items go on.
item_fault <- function(what, where = "", fix = "") stop(new_fault("input", what, where, fix))

# The request is wrong: exit status 2.
request_fault <- function(what, where = "", fix = "") stop(new_fault("request", what, where, fix))

# The machine cannot do the work: exit status 3.
environment_fault <- function(what, where = "", fix = "") stop(new_fault("environment", what, where, fix))

# Whose fault an error is. Unknown ones are the stage's own: they are reported, never hidden.
as_fault <- function(error) {
  if (inherits(error, "fault")) return(error)
  line <- one_line(conditionMessage(error))
  if (grepl("cannot allocate|memory exhausted", line)) {
    return(new_fault("environment", "not enough memory", "", "raise the memory limit of the job"))
  }
  new_fault("internal", line, "", "report it with the job log; the input may be fine")
}
