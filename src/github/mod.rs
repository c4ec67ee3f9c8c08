//! Door: GitHub: the runner's files, and its REST API by octocrab.
